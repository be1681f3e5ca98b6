/** All arms over the orders of one seed. */
import { MODERATE_RECURRENCE } from "./constants.ts";
import { armPolicy, staticMix } from "./arms.ts";
import { countJury, type JuryCounts } from "./jury-auc.ts";
import { recurrencesOf, SAME_SHARES, type SeedPlan, type Setting, settingsOf } from "./plan.ts";
import { makeWorld, runOrder, type OrderResult, type World } from "./run-order.ts";
import { measureTraceCosts } from "./trace-costs.ts";

export interface Row extends Setting {
  readonly seed: number;
  readonly result: OrderResult;
}

export interface SeedResult {
  readonly rows: readonly Row[];
  /** By informativeness, at the moderate recurrence. */
  readonly jury: readonly { readonly informativeness: number; readonly counts: JuryCounts }[];
}

export function runSeed(plan: SeedPlan, seed: number): SeedResult {
  const traceCost = measureTraceCosts();
  const rows: Row[] = [];
  const jury: SeedResult["jury"][number][] = [];
  for (const recurrence of recurrencesOf(plan)) {
    const world = makeWorld({ seed, count: plan.tasks, recurrence }, traceCost);
    const settings = settingsOf(plan, recurrence);
    for (const setting of settings) {
      rows.push({ ...setting, seed, result: runSetting(world, { setting, plan, before: rows }) });
    }
    if (recurrence !== MODERATE_RECURRENCE) continue;
    for (const informativeness of new Set(settings.map((setting) => setting.informativeness))) {
      jury.push({ informativeness, counts: countJury(world, informativeness) });
    }
  }
  return { rows, jury };
}

interface SettingRun {
  readonly setting: Setting;
  readonly plan: SeedPlan;
  readonly before: readonly Row[];
}

function runSetting(world: World, { setting, plan, before }: SettingRun): OrderResult {
  const fit = plan.fits.find(({ informativeness }) => informativeness === setting.informativeness);
  const policy =
    setting.arm === SAME_SHARES
      ? staticMix(saleShares(setting, before))
      : armPolicy(setting.arm, fit?.weights ?? null);
  return runOrder(world, { ...setting, policy });
}

/** `sale` stands before its mix in the plan. */
function saleShares(setting: Setting, before: readonly Row[]): OrderResult["wins"] {
  const sale = before.find(
    (row) =>
      row.arm === "sale" &&
      row.informativeness === setting.informativeness &&
      row.refinementGain === setting.refinementGain &&
      row.recurrence === setting.recurrence,
  );
  if (sale === undefined) throw new Error("sale has not run yet");
  return sale.result.wins;
}
