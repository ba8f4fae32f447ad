/** Who sends the webhooks of a trigger, and so how they are signed and what they look like. */
export const TRIGGER_KINDS = ['github', 'gitlab', 'standard'] as const
export type TriggerKind = (typeof TRIGGER_KINDS)[number]
