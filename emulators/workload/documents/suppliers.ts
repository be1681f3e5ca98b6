/** Supply conditions of the fictional company. */
export const suppliers = `# Suppliers: conditions 2031

| supplier | lead time (working days) | minimum order EUR | our discount on list | contract until |
| --- | --- | --- | --- | --- |
| Nordmaal | 10 | 1500 | 38 % | 31 December 2032 |
| Lumatek | 15 | 800 | 35 % | 30 June 2031 |
| Voltwerk | 5 | 600 | 30 % | 31 March 2033 |
| Glashuset | 8 | 400 | 42 % | 31 December 2031 |
| Brandt | 30 | none | 22 % | 30 September 2032 |

## Rules
1. The purchase price is the catalogue's list price less our discount. The minimum order is measured in purchase prices.
2. Below the minimum order a handling fee of 45 EUR is charged; Lumatek does not deliver below the minimum at all.
3. Lead time counts working days (Monday to Friday) from the day after the order. An order after 14:00 counts as placed on the next working day. Holidays in 2031 that are no working days: 10 April, 11 April, 14 April, 1 May, 22 May, 2 June, 5 June.
4. Voltwerk packs battery packs in cartons of 8; only full cartons are delivered.
5. Late delivery: 1 % of the purchase price per started week of delay, at most 5 %.
6. Contracts end at the date given unless prolonged three months before. Lumatek and Glashuset are reviewed at the meeting in May.
`;
