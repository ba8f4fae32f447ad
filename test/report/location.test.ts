import { describe, expect, it } from 'vitest'
import { findLocation, tidyPath } from '../../report/location.ts'

const unknown = { file: null, classname: null }

describe('tidyPath', () => {
  it.each([
    ['./spec/a_spec.rb', 'spec/a_spec.rb'],
    ['/builds/shop/test/a.js', 'test/a.js'],
    ['file:///builds/shop/test/a.js', 'test/a.js'],
    ['/builds/shopping/a.js', '/builds/shopping/a.js'],
    ['test\\a.js', 'test/a.js'],
    ['C:\\builds\\shop\\test\\a.js', 'test/a.js'],
    ['file:///C:/builds/shop/test/a.js', 'test/a.js'],
    ['test/a.js', 'test/a.js'],
  ])('makes %s to %s', (path, expected) => {
    expect(tidyPath(path, '/builds/shop/')).toBe(expected)
    expect(tidyPath(path, 'C:\\builds\\shop')).toBe(expected)
  })
})

describe('findLocation', () => {
  it.each([
    ['test at test/x.test.js:12:3', 'test/x.test.js', 12],
    ['    at Object.<anonymous> (file:///builds/shop/test/x.js:12:5)', 'test/x.js', 12],
    ['    at Object.<anonymous> (/builds/shop/test/x.test.js:12:5)', 'test/x.test.js', 12],
    ['tests/test_x.py:12: AssertionError', 'tests/test_x.py', 12],
    ['  File "/builds/shop/tests/test_x.py", line 12, in test_x', 'tests/test_x.py', 12],
    [' ❯ src/größe.test.ts:3:59', 'src/größe.test.ts', 3],
    ['   at Shop.Tests.Totals() in /builds/shop/tests/Cart.cs:line 27', 'tests/Cart.cs', 27],
    ['     # ./spec/cart_spec.rb:9:in `block`', 'spec/cart_spec.rb', 9],
    ['cart_test.go:17: got 3', 'cart_test.go', 17],
    ["thread 'x' panicked at src/cart.rs:21:9:", 'src/cart.rs', 21],
  ])('finds the place in %s', (text, file, line) => {
    expect(findLocation(`Error: no\n${text}\n  at late.js:1:1`, unknown, '/builds/shop')).toEqual({ file, line })
  })

  it('finds a file below a root with blanks in its path', () => {
    const text = 'at (/home/my user/shop/test/x.js:4:1)'
    expect(findLocation(text, unknown, '/home/my user/shop')).toEqual({ file: 'test/x.js', line: 4 })
  })

  it('takes the nearest path of a line with several', () => {
    const text = 'error in /builds/shop/node_modules/a.js:1, from test/b.js:2'
    expect(findLocation(text, unknown, '/builds/shop')).toEqual({ file: 'test/b.js', line: 2 })
  })

  it.each([
    'connect ECONNREFUSED example.com:443 127.0.0.1:8080',
    'at node:internal/process/task_queues:103:5',
    'at f (/builds/shop/node_modules/jest/build/x.js:1:2)',
    'at f (/usr/lib/node/x.js:1:2)',
    'File "/usr/lib/python3/site-packages/_pytest/x.py", line 12',
    'at org.junit.Assert.fail(Assert.java:88)',
    '.js:12',
    '',
  ])('finds none in %j', (text) => {
    expect(findLocation(text, unknown, '/builds/shop')).toBeNull()
  })

  it("takes the frame of the test's own class on the JVM", () => {
    const text = 'at org.junit.Assert.fail(Assert.java:88)\nat shop.CartTest$Inner.adds(CartTest.java:31)'
    const known = { file: null, classname: 'shop.CartTest$Inner' }
    expect(findLocation(text, known, '/builds/shop')).toEqual({ file: 'CartTest.java', line: 31 })
  })

  it("prefers the case's own file to the frames before it", () => {
    const text = 'at assertCart (test/support.js:3:1)\nat (test/cart.test.js:12:5)'
    const known = { file: 'test/cart.test.js', classname: null }
    expect(findLocation(text, known, undefined)).toEqual({ file: 'test/cart.test.js', line: 12 })
  })

  it('searches a long text in little time', () => {
    const text = `${'a.b/'.repeat(100_000)}\n`.repeat(300)
    expect(findLocation(text, unknown, '/builds/shop')).toBeNull()
  })
})
