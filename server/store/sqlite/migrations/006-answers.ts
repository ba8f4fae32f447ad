/** Answers with a secret are remembered for as long as others, without the secret. */
export const answers = `
-- bodyUntil: when the sealed body goes, and the rest stays.
ALTER TABLE idempotency ADD COLUMN completedAt INTEGER;
ALTER TABLE idempotency ADD COLUMN bodyUntil INTEGER;
UPDATE idempotency SET completedAt = expiresAt - CASE WHEN secretOf IS NULL THEN 86400000 ELSE 600000 END,
  bodyUntil = expiresAt WHERE status IS NOT NULL;
CREATE INDEX idempotency_body ON idempotency (bodyUntil) WHERE sealedBody IS NOT NULL;
`
