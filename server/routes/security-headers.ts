/**
 * On every answer: nothing here is a page that runs anything, is framed, or is read by another site (OWASP REST Security
 * Cheat Sheet, "Security headers"). What is one, as `/docs`, sets its own policy over this.
 */
export const SECURITY_HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}
