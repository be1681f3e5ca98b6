/** Staff rules of the fictional company: leave, travel, expenses, on-call pay. */
export const handbook = `# Kestrel Quay Supply: staff handbook (edition 2031)

## 1. Leave
1.1 A full-time employee has 25 days of leave per calendar year.
1.2 One further day is added for every three full years of service, counted on 1 January of the leave year. At most five days are added.
1.3 Part-time employees (fewer than five working days a week) get the sum of 1.1 and 1.2 in proportion to their days per week, rounded up to the next half day.
1.4 Up to five unused days may be carried over. They lapse on 31 March unless the employee was ill for more than 20 working days in the old year; then they lapse on 30 September.
1.5 In the year of joining, section 1.1 applies in twelfths for every full calendar month of employment, rounded up to the next half day; section 1.2 does not apply.

## 2. Travel
2.1 Trips by train are booked in second class. From four hours of travel in one direction, first class may be booked.
2.2 Daily allowance: 28.00 EUR in Denmark, 46.00 EUR abroad. The country where the night is spent decides; on the day of return it is the country of the last night.
2.3 On the days of departure and return half of the allowance is paid. A trip without a night away pays 14.00 EUR if it lasts more than eight hours, otherwise nothing.
2.4 For every breakfast that a hotel provides, 20 % of the full daily allowance of the country of that night is deducted.
2.5 Use of a private car: 0.38 EUR per kilometre. The first 20 kilometres of each trip (out and back counted together) are not paid.
2.6 Field crews (team "Field") get 6.00 EUR on top for each day spent at sea; section 2.3 does not reduce it.

## 3. Expenses
3.1 Approval: up to 150 EUR the team lead; above that and up to 2,000 EUR the head of department; above 2,000 EUR the head of department and the finance director together.
3.2 Nobody approves an own claim. If the approver is the claimant, the next higher level approves.
3.3 Claims are handed in within 30 days of the expense. Later claims need the finance director in addition, whatever the amount. After 90 days nothing is paid.

## 4. On-call duty
4.1 Stand-by pay: 40.00 EUR for each night from Monday to Thursday, 75.00 EUR for each day or night from Friday 18:00 to Monday 08:00. Such a weekend counts as three units (Friday night, Saturday, Sunday).
4.2 A call-out is paid at 35.00 EUR per hour, counted from the page to the all-clear in started half hours, at least one hour.
4.3 Between 00:00 and 05:00 local time the rate of 4.2 is doubled for the half hours that begin in that span.
4.4 Only the person who acknowledged the page is paid for the call-out; a second engineer who is called in is paid from the moment of joining.
`;
