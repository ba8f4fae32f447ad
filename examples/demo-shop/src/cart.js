/** Prices are whole cents: sums of floating-point euros do not add up. */
export function subtotal(items) {
  return items.reduce((sum, item) => sum + item.price * item.quantity, 0)
}

/** Shipping is free from 50.00 on. */
export function shipping(cents) {
  return cents >= 5000 ? 0 : 490
}

export function total(items) {
  const goods = subtotal(items)
  return items.length === 0 ? 0 : goods + shipping(goods)
}
