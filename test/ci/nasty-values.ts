/**
 * Values that break whoever splices them into shell text, YAML or JSON. CANARY is a file that a shell would make which
 * takes one of them for a command: it must never be there.
 */
export const CANARY = 'verdict-canary'

export const NASTY_VALUES: readonly (readonly [what: string, value: string])[] = [
  ['double quotes', 'say "hi" and leave "'],
  ['single quotes', "it's 'quoted' and '"],
  ['a command substitution', `$(touch ${CANARY})`],
  ['backticks', `\`touch ${CANARY}\``],
  ['a variable', '$HOME ${PATH} $VERDICT_API_KEY'],
  ['percent signs', '%s %d %n 100% %{http_code}'],
  ['backslashes', 'C:\\new\\table \\" \\$ \\'],
  ['an end of a command', `; touch ${CANARY} & touch ${CANARY} | touch ${CANARY} #`],
  ['spaces and globs', '  a   * ? [a-z]  '],
  ['non-ASCII', 'Grüße, 世界, \u{1f600}, e\u0301'],
  ['what looks like an option', '--json'],
  ['what looks like JSON', '"},"state":"passed","x":{"y":"'],
]

/** Those of several lines: a parameter that is a list of lines cannot hold them, and says so. */
export const NEWLINES = ['lines', 'first\nsecond\n\nfourth'] as const
