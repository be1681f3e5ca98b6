/** The documents that the workload's questions read, served at `<base>/docs/<name>`. Fictional, written for this project. */
import { agreements } from "./agreements.ts";
import { catalogue } from "./catalogue.ts";
import { handbook } from "./handbook.ts";
import { incidentGateway, incidentStorage } from "./incidents.ts";
import { minutesApril, minutesMarch } from "./minutes.ts";
import { shippingTariff } from "./shipping-tariff.ts";
import { roster, staff } from "./staff.ts";
import { suppliers } from "./suppliers.ts";

/** Document name (the last segment of its URL) to its Markdown text. */
export const documents: Readonly<Record<string, string>> = {
  "agreements.md": agreements,
  "catalogue.md": catalogue,
  "handbook.md": handbook,
  "incident-gateway.md": incidentGateway,
  "incident-storage.md": incidentStorage,
  "minutes-april.md": minutesApril,
  "minutes-march.md": minutesMarch,
  "roster.md": roster,
  "shipping-tariff.md": shippingTariff,
  "staff.md": staff,
  "suppliers.md": suppliers,
};
