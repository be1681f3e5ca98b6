/** The command line of `npm run fit`. */
import { parseArgs } from "node:util";
import { MAX_CALIBRATED_TASKS } from "../../src/market/calibration/calibration.ts";
import type { FitOptions } from "../../src/market/fit/fit-program.ts";
import { parseId, type TenantId } from "../../src/market/ids.ts";
import { fail, ok, type Result } from "../../src/market/result.ts";

export interface CommandOptions {
  /** Null only where the auctions come from a file and nothing is stored. */
  readonly tenantId: TenantId | null;
  readonly url: string;
  /** A file of training auctions instead of the tenant's history. */
  readonly file: string | null;
  readonly fit: FitOptions;
  /** Of each solve: one over all auctions, one per fold. */
  readonly timeLimitS: number;
  readonly store: boolean;
  /** Null: no calibration is asked for. */
  readonly calibrate: { readonly tasks: number; readonly yes: boolean; readonly waitS: number } | null;
  readonly help: boolean;
}

export const USAGE = `npm run fit -- --tenant T [options]

  --tenant T           the tenant whose history is read (ten_…)
  --url URL            where Saleroom answers (default http://localhost:8787)
  --file FILE.json     read the training auctions from a file, {"auctions": […]}, instead
  --time-limit S       seconds for each solve, one over all and one per fold (default 60)
  --fit literal        the paper's bare min–max; degenerate, for study
  --aggregation mean   the mean over tasks instead of the worst task (ablation sale-mean)
  --calibrate N        first have all agents carry out N past tasks (at most 100), at a price that is quoted first:
                       without a terminal nothing runs unless --yes is given; called again, it waits for what runs
  --yes                accept the quote
  --wait S             seconds to wait for the calibration's runs (default 3600)
  --store              store the weights as the tenant's new policy version; nothing is stored otherwise

The operator's secret is read from ADMIN_SECRET.
`;

const DEFAULT_URL = "http://localhost:8787";
const DEFAULT_TIME_LIMIT = "60";
const MAX_TIME_LIMIT_S = 86_400;
const DEFAULT_WAIT = "3600";
const MAX_WAIT_S = 86_400;

/** A failure is one sentence for people. */
export function parseOptions(args: readonly string[]): Result<CommandOptions, string> {
  const parsed = parseRaw(args);
  if (!parsed.ok) return parsed;
  const { values } = parsed.value;
  const tenantId = values.tenant === undefined ? null : parseId("ten", values.tenant);
  if (values.tenant !== undefined && tenantId === null) return fail(`${values.tenant} is not a tenant's id`);
  if (!values.help && tenantId === null && (values.file === undefined || values.store)) {
    return fail("name the tenant: --tenant ten_…");
  }
  const { fit, aggregation } = values;
  if (fit !== "margin" && fit !== "literal") return fail(`--fit takes margin or literal, not ${fit}`);
  if (aggregation !== "max" && aggregation !== "mean") {
    return fail(`--aggregation takes max or mean, not ${aggregation}`);
  }
  const timeLimitS = Number(values["time-limit"]);
  if (!(timeLimitS > 0 && timeLimitS <= MAX_TIME_LIMIT_S)) {
    return fail(`--time-limit takes seconds up to ${MAX_TIME_LIMIT_S}, not ${values["time-limit"]}`);
  }
  const calibrate = calibrateOptions(values);
  if (!calibrate.ok) return calibrate;
  if (!URL.canParse(values.url) || !/^https?:/.test(values.url))
    return fail(`--url takes a URL, not ${values.url}`);
  return ok({
    tenantId,
    url: values.url.replace(/\/+$/, ""),
    file: values.file ?? null,
    fit: { kind: fit, aggregation },
    timeLimitS,
    store: values.store,
    calibrate: calibrate.value,
    help: values.help,
  });
}

type Values = Extract<ReturnType<typeof parseRaw>, { readonly ok: true }>["value"]["values"];

function calibrateOptions({
  calibrate,
  yes,
  wait,
  file,
}: Values): Result<CommandOptions["calibrate"], string> {
  if (calibrate === undefined) return yes ? fail("--yes accepts the quote of --calibrate N") : ok(null);
  if (file !== undefined) return fail("--calibrate reads the tenant's history, not a file");
  const tasks = Number(calibrate);
  if (!(Number.isInteger(tasks) && tasks >= 1 && tasks <= MAX_CALIBRATED_TASKS)) {
    return fail(`--calibrate takes a number of tasks from 1 to ${MAX_CALIBRATED_TASKS}, not ${calibrate}`);
  }
  const waitS = Number(wait);
  if (!(waitS >= 0 && waitS <= MAX_WAIT_S)) {
    return fail(`--wait takes seconds up to ${MAX_WAIT_S}, not ${wait}`);
  }
  return ok({ tasks, yes, waitS });
}

function parseRaw(args: readonly string[]) {
  try {
    return ok(
      parseArgs({
        args: [...args],
        options: {
          tenant: { type: "string" },
          url: { type: "string", default: DEFAULT_URL },
          file: { type: "string" },
          "time-limit": { type: "string", default: DEFAULT_TIME_LIMIT },
          fit: { type: "string", default: "margin" },
          aggregation: { type: "string", default: "max" },
          calibrate: { type: "string" },
          yes: { type: "boolean", default: false },
          wait: { type: "string", default: DEFAULT_WAIT },
          store: { type: "boolean", default: false },
          help: { type: "boolean", short: "h", default: false },
        },
      }),
    );
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}
