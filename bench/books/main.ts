/**
 * `npm run reconcile -- --tenant T [--url URL]`: computes a tenant's books again, from raw usage and price rows.
 *
 * Exits 0 where nothing drifts, 1 where something does, 2 where the books could not be read. Changes nothing.
 */
import { parseArgs } from "node:util";
import { parseId } from "../../src/market/ids.ts";
import { reconcile } from "../../src/market/ledger/reconcile.ts";
import { FitError, type OperatorAccess } from "../fit/operator-access.ts";
import { BusyBooks, readBooks } from "./read-books.ts";
import { reconciliationLines } from "./report.ts";

const USAGE = `npm run reconcile -- --tenant T [--url URL]

  --tenant T    the tenant whose books are computed again (ten_…)
  --url URL     where Saleroom answers (default http://localhost:8787)

The operator's secret is read from ADMIN_SECRET.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      tenant: { type: "string" },
      url: { type: "string", default: "http://localhost:8787" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const result = reconcile(await readBooks(accessOf(values)));
  process.stdout.write(`${reconciliationLines(result).join("\n")}\n`);
  return result.drifts.length === 0 ? 0 : 1;
}

/** @throws FitError */
function accessOf(values: { readonly tenant?: string | undefined; readonly url: string }): OperatorAccess {
  const tenantId = parseId("ten", values.tenant ?? "");
  if (tenantId === null) throw new FitError("name the tenant: --tenant ten_…");
  if (!URL.canParse(values.url)) throw new FitError(`--url takes a URL, not ${values.url}`);
  const secret: string | undefined = process.env["ADMIN_SECRET"];
  if (secret === undefined || secret === "")
    throw new FitError("ADMIN_SECRET, the operator's secret, is not set");
  return { url: values.url.replace(/\/+$/, ""), tenantId, secret };
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof FitError || error instanceof BusyBooks || isUsageError(error))) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}

function isUsageError(error: unknown): error is TypeError {
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
