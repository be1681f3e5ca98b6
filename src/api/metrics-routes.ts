/** `/admin/metrics`: the deployment's metrics, for the operator's Prometheus. */
import { Hono } from "hono";
import { readSums } from "../history/read-sums.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { requireOperator } from "./credentials.ts";
import { metricFamilies } from "./metric-families.ts";
import { OPEN_METRICS, openMetricsText } from "./open-metrics.ts";

export function metricsRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>().get("/", async (c) => {
    await requireOperator(c, config);
    const families = metricFamilies(await readSums(config.db), config.pool);
    return c.body(openMetricsText(families), 200, { "Content-Type": OPEN_METRICS });
  });
}
