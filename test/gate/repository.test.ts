import { expect, it } from 'vitest'
import { repositoryName } from '../../gate/repository.ts'

it.each([
  ['https://github.com/acme/shop.git', 'github.com/acme/shop'],
  ['https://x-access-token:ghs_s3cret@github.com/acme/shop', 'github.com/acme/shop'],
  ['git@github.com:acme/shop.git', 'github.com/acme/shop'],
  ['ssh://git@GitHub.com:22/acme/shop.git/', 'github.com/acme/shop'],
  ['https://git.example:8443/group/sub/shop.git', 'git.example:8443/group/sub/shop'],
  ['git://git.example/shop', 'git.example/shop'],
  ['/srv/git/shop.git', undefined],
  ['../shop.git', undefined],
  ['C:\\git\\shop', undefined],
  ['C:/git/shop', undefined],
  ['file:///srv/git/shop.git', undefined],
  ['https://github.com/', undefined],
  ['', undefined],
  [undefined, undefined],
])('the repository of %j is %j, without credentials', (address, name) => {
  expect(repositoryName(address)).toBe(name)
})
