/** Price table of the fictional carrier. */
export const shippingTariff = `# Parcel tariff, valid from 1 January 2031

All prices in EUR without tax.

| chargeable weight | zone A | zone B | zone C |
| --- | --- | --- | --- |
| up to 2 kg | 6.40 | 9.80 | 17.50 |
| up to 5 kg | 8.20 | 12.60 | 24.00 |
| up to 10 kg | 11.50 | 17.90 | 36.50 |
| up to 20 kg | 16.80 | 27.40 | 58.00 |
| each further started kg above 20 kg | 0.75 | 1.20 | 2.60 |

## Zones
- A: Denmark
- B: Germany, Netherlands, Norway, Sweden
- C: all other countries of Europe

## Rules
1. Chargeable weight is the greater of real weight and volumetric weight, rounded up to the next full kilogram. Volumetric weight in kg = length x width x height in cm / 5000.
2. Express: 60 % on top of the table price.
3. Fuel: 12 % of the table price including express, for zones B and C only. Zone A pays no fuel surcharge.
4. Remote areas: 9.50 per parcel. Remote are Bornholm (Denmark), Gotland (Sweden), the Lofoten (Norway) and all islands of zone C.
5. Dangerous goods: 25.00 per parcel. Dangerous goods are never sent express.
6. Insurance: 0.6 % of the part of the goods' value above 500.00, per parcel.
7. From five parcels to the same consignee on the same day, the table price of each parcel is reduced by 8 % (before express and fuel).
8. A parcel above 40 kg real weight is freight and not covered by this tariff.
9. Each component is rounded to the cent, half up, before adding.
`;
