/** People of the fictional company and the on-call roster. */
export const staff = `# Staff list, 1 May 2031

| name | team | role | joined | days a week |
| --- | --- | --- | --- | --- |
| Ida Holm | Board | managing director | 2014-02-01 | 5 |
| Lena Friis | Finance | finance director | 2019-09-01 | 5 |
| Jonas Brink | Sites | head of department | 2017-05-15 | 5 |
| Mette Aagaard | Sales | head of department | 2016-11-01 | 4 |
| Sefa Okoro | Data | head of department | 2020-01-01 | 5 |
| Pieter Vos | Warehouse | team lead, reports to Jonas Brink | 2022-04-01 | 5 |
| Amal Idris | Data | team lead, reports to Sefa Okoro | 2021-03-15 | 5 |
| Tomas Rehn | Data | engineer | 2024-08-01 | 3 |
| Noor Lindqvist | Data | engineer | 2030-10-15 | 5 |
| Kaja Solberg | Field | team lead, reports to Jonas Brink | 2015-06-01 | 5 |
| Emil Dahl | Field | technician | 2023-01-01 | 5 |
| Rosa Ventura | Field | technician | 2031-02-17 | 4 |
| Hanne Lund | Sales | account manager, reports to Mette Aagaard | 2012-03-01 | 3 |

Field belongs to the department Sites, and so does Warehouse.
`;

export const roster = `# On-call roster, Data, April and May 2031

Weeks run from Monday 08:00 to Monday 08:00. 7 April 2031 is a Monday.

| week from | first | second |
| --- | --- | --- |
| 31 March | Amal Idris | Tomas Rehn |
| 7 April | Tomas Rehn | Amal Idris |
| 14 April | Noor Lindqvist | Tomas Rehn |
| 21 April | Amal Idris | Noor Lindqvist |
| 28 April | Tomas Rehn | Amal Idris |
| 5 May | Noor Lindqvist | Tomas Rehn |
| 12 May | Amal Idris | Noor Lindqvist |
| 19 May | Noor Lindqvist | Tomas Rehn |
| 26 May | Tomas Rehn | Amal Idris |

## Swaps
- Week from 14 April: Tomas Rehn takes over as first from Friday 18 April 18:00 (weekend); Noor Lindqvist is second for that time.
- Week from 28 April: the night of Wednesday 30 April is taken by Amal Idris as first.
- Stand-by pay goes to the first only. The second is paid for call-outs alone.
`;
