/** One page of a list: newest first by createdAt then id; `after` is the last item of the page before. */
export interface PageRequest {
  readonly limit: number
  readonly after?: { readonly createdAt: number; readonly id: string } | undefined
}
