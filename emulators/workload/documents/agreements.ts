/** Price agreements of the fictional company with its customers. */
export const agreements = `# Customer agreements and promotions 2031

## General
- G1. Discounts apply to the list price of each line (quantity x list price). Each line is rounded to the cent.
- G2. Quantity discount for everybody: 4 % on a line of ten or more pieces of one article.
- G3. If several discounts fit a line, the largest one counts. They are never added up.
- G4. Hand winches and deck cranes carry no discount of any kind, unless an agreement names them.

## Agreements
### Harbour Office Lund (Lund, Sweden)
7 % on every article. Payment within 30 days.

### Wadden Survey BV (Den Helder, Netherlands)
Tiers by the order's list value: 5 % from 1000.00, 9 % from 2500.00, 12 % from 5000.00, on all articles of the order.
Sample bottles neither count towards the list value nor get the tier discount. Hand winches count towards the list value.

### Ronne Marine School (Ronne, Bornholm, Denmark)
15 % on every article except data loggers. Shipping is free for orders above 800.00 net of discounts; the remote-area charge is always paid by the school.

### Fjordlab AS (Svolvaer, Lofoten, Norway)
6 % on every article, hand winches included. For orders placed by standing order: 8 % instead of 6 %.

## Promotions
- April 2031: data loggers 10 % off.
- May 2031: salinity probes 20 % off for lines of two or more; buoy lanterns 5 % off.
- Promotions apply by the date of the order, not of delivery.
`;
