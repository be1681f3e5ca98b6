/** Minutes of the fictional company's management meetings; April amends March. */
export const minutesMarch = `# Management meeting, 11 March 2031

Present: Ida Holm (chair), Jonas Brink, Mette Aagaard, Sefa Okoro, Pieter Vos. Excused: Lena Friis.

1. **Warehouse roof.** Two offers: Tagkompagniet 48,200 EUR, Byg & Sonner 45,900 EUR. Jonas reports that the cheaper one does not include scaffolding (3,400 EUR). Decided, 4 to 1: Tagkompagniet. Owner: Jonas Brink, to be signed by 21 March.
2. **Budget for trade fairs.** Set at 36,000 EUR for 2031: Bremerhaven 14,500 EUR, Bergen 12,000 EUR, the rest as a reserve. Owner: Mette Aagaard.
3. **Hiring.** Two positions in Field and one in Data approved. The position in Data starts on 1 June at the earliest. Owner: Sefa Okoro.
4. **Forklift.** Lease of 690 EUR a month for 36 months, or purchase at 21,800 EUR with 85 EUR of service a month. Put off until April; Pieter Vos gets a second offer.
5. **Spare parts.** Minimum stock of battery packs is raised from 40 to 60. Owner: Pieter Vos, by 31 March.
6. **Price list.** No increase before 1 July. Decided unanimously.

Next meeting: 8 April 2031.
`;

export const minutesApril = `# Management meeting, 8 April 2031

Present: Ida Holm (chair), Jonas Brink, Mette Aagaard, Lena Friis, Pieter Vos. Excused: Sefa Okoro.

0. **Minutes of 11 March** approved with one correction: under item 2, Bremerhaven is 15,400 EUR, not 14,500 EUR; the total is unchanged.
1. **Warehouse roof.** Contract signed on 20 March. Extra work on the gutters: 2,650 EUR, approved. Of the whole sum 30 % is paid at the start, the rest on completion. Owner stays Jonas Brink.
2. **Trade fairs.** A stand in Gdansk is added at 6,800 EUR, paid from the reserve; what the reserve does not cover is added to the total. Bergen becomes cheaper by 10 %; the difference goes to the reserve before Gdansk is paid. Owner: Lena Friis, who takes over from Mette Aagaard.
3. **Hiring.** One of the two positions in Field is withdrawn. The position in Data may start on 1 May.
4. **Forklift.** Second offer: lease of 640 EUR a month for 36 months with a final payment of 1,200 EUR, service included. The lease in the first offer includes service as well. Decided, 4 to 1: whichever of the three is cheapest over 36 months. Owner: Pieter Vos.
5. **Spare parts.** Minimum stock of battery packs: 60 was too high for the safety cabinet; set to 48. Orders that were already sent stand.
6. **Price list.** The decision of March is revoked for goods from Brandt: 3 % from 1 May, prices rounded up to full euros.

Next meeting: 13 May 2031.
`;
