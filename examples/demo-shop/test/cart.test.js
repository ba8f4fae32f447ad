import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shipping, subtotal, total } from '../src/cart.js'

const tea = { price: 450, quantity: 3 }
const pot = { price: 3900, quantity: 1 }

test('an empty cart costs nothing', () => {
  assert.equal(total([]), 0)
})

test('the subtotal counts quantities', () => {
  assert.equal(subtotal([tea, pot]), 5250)
})

test('shipping is free from 50.00 on', () => {
  assert.equal(shipping(5000), 0)
  assert.equal(shipping(4999), 490)
})

test('the total holds goods and shipping', () => {
  assert.equal(total([tea]), 1840)
})
