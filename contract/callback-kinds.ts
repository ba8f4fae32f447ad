/** What a callback of each kind is told, by the field of its body that says where; all else of a kind is refused. */
export const CALLBACK_KINDS = {
  standard: { needs: ['url'], takes: [], about: 'signed events (Standard Webhooks)' },
  github: { needs: ['repository', 'token'], takes: ['apiUrl'], about: 'commit statuses of a GitHub repository' },
  gitlab: { needs: ['project', 'token'], takes: ['apiUrl'], about: 'commit statuses of a GitLab project' },
} as const
export type CallbackKind = keyof typeof CALLBACK_KINDS

/** Where the kinds that are no plain address are, unless `apiUrl` says otherwise. */
export const FORGE_API_URLS = { github: 'https://api.github.com', gitlab: 'https://gitlab.com/api/v4' } as const

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

export const CALLBACKS_PER_WORKSPACE = 100
/** How long an old secret goes on signing beside a new one: a day unless asked otherwise, 7 days at most. */
export const OVERLAP_SECONDS_DEFAULT = 86_400
export const OVERLAP_SECONDS_MAX = 7 * 86_400
