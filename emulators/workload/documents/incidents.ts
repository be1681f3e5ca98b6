/** Incident timelines of the fictional company's data service. */
export const incidentGateway = `# Incident 2031-17: tide data gateway down

All times UTC. Local time was UTC+2.

| time | event |
| --- | --- |
| 12 April 21:47 | Certificate of the gateway expires; uploads from buoys begin to fail. |
| 12 April 22:05 | Monitoring raises an alert; it goes to the archived channel and is not seen. |
| 12 April 22:38 | Second alert pages the engineer on call, Tomas Rehn. |
| 12 April 22:44 | Acknowledged by Tomas Rehn. |
| 12 April 23:20 | New certificate installed on node 1; uploads at 50 %. |
| 12 April 23:31 | Amal Idris joins to help with node 2. |
| 13 April 00:12 | Node 2 done; all uploads succeed. |
| 13 April 00:25 | All-clear. |
| 13 April 06:10 | Backlog of 4,310 readings uploaded again; 37 of them were refused as too old. |

Customers affected: 14, of which 3 with a service agreement that promises at most 60 minutes of outage per month.
Outage counts from the first failed upload until all uploads succeed. While at least half of the uploads succeed, minutes count half.
Follow-up: certificate reminder 30 days ahead (owner Amal Idris, due 30 April); delete the archived channel (owner Tomas Rehn, due 20 April).
`;

export const incidentStorage = `# Incident 2031-22: storage full

All times local (UTC+2).

| time | event |
| --- | --- |
| 23 May 03:05 | Disk of the archive reaches 100 %; exports to customers stop. Uploads are not affected. |
| 23 May 03:20 | Page to the engineer on call, Noor Lindqvist. No answer. |
| 23 May 03:35 | Page escalates to the second on call, Tomas Rehn, who acknowledges at 03:41. |
| 23 May 04:02 | Old snapshots deleted, 12 % free; exports start again, slowly. |
| 23 May 04:50 | Backlog of exports done: 212 of 215 sent, 3 failed for bad addresses. |
| 23 May 05:10 | All-clear. |

Customers affected: 9, none of them with an outage promise for exports. Outage of exports counts from the stop until exports start again.
Root cause: snapshots of April were kept after the move decided on 28 April. Disk grew by 1.5 percentage points a day on average.
Follow-up: alarm at 85 % (owner Noor Lindqvist, due 6 June); snapshot policy (owner Amal Idris, due 13 June).
`;
