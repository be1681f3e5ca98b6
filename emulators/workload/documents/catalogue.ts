/** Products of the fictional company. */
export const catalogue = `# Catalogue 2031, list prices in EUR without tax

| code | product | list price | weight kg | box cm | supplier | notes |
| --- | --- | --- | --- | --- | --- | --- |
| KQ-110 | Tide gauge | 349.00 | 3.2 | 40 x 30 x 20 | Nordmaal | |
| KQ-125 | Salinity probe | 189.50 | 0.9 | 30 x 15 x 10 | Nordmaal | |
| KQ-140 | Buoy lantern | 128.00 | 2.4 | 35 x 35 x 40 | Lumatek | discontinued, last sale 30 April 2031 |
| KQ-141 | Buoy lantern, solar | 149.00 | 2.1 | 30 x 30 x 30 | Lumatek | replaces KQ-140 |
| KQ-155 | Lithium battery pack | 96.00 | 4.1 | 25 x 20 x 15 | Voltwerk | dangerous goods |
| KQ-160 | Sample bottles, crate of 24 | 54.00 | 7.5 | 60 x 40 x 30 | Glashuset | |
| KQ-175 | Hand winch | 1240.00 | 31.0 | 70 x 50 x 40 | Brandt | |
| KQ-190 | Plankton net | 212.00 | 1.8 | 80 x 25 x 25 | Glashuset | |
| KQ-205 | Data logger | 415.00 | 0.6 | 20 x 15 x 10 | Nordmaal | |
| KQ-210 | Calibration fluid, 5 l | 38.50 | 5.4 | 20 x 20 x 25 | Voltwerk | dangerous goods |
| KQ-230 | Deck crane | 3980.00 | 148.0 | 220 x 80 x 60 | Brandt | freight only, quoted separately |

## Notes
- Every article is sent in a parcel of its own; boxes are never combined.
- Tide gauges need one data logger for every three gauges or part of three.
- A data logger runs on one battery pack; the pack is not part of the logger's price.
- Goods made to order (winch and crane) cannot be returned.
- Returns of other goods within 30 days: list price less 10 % for restocking, 25 % if the box was opened. Shipping is not refunded.
`;
