/** The HTTP API: request ids, body limit, routes, one error table. */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { agentRoutes } from "./agent-routes.ts";
import { calibrationRoutes } from "./calibration-routes.ts";
import { fileRoutes } from "./file-routes.ts";
import { keyRoutes, ownKeyRoutes } from "./key-routes.ts";
import { limitRoutes, ownLimitRoutes } from "./limit-routes.ts";
import { metricsRoutes } from "./metrics-routes.ts";
import { operatorRoutes } from "./operator-routes.ts";
import { ownPolicyRoutes, policyRoutes } from "./policy-routes.ts";
import { outcomeRoutes } from "./outcome-routes.ts";
import { Problem, problemResponse } from "./problem.ts";
import { quoteRoutes } from "./quote-routes.ts";
import { receiptKeyRoutes, receiptRoutes } from "./receipt-routes.ts";
import { stuckRoutes } from "./stuck-routes.ts";
import { taskRoutes } from "./task-routes.ts";
import { bookRoutes, usageRoutes } from "./usage-routes.ts";
import { toolRoutes } from "./tool-routes.ts";
import { verifierSecretRoutes } from "./verifier-secret-routes.ts";
import { webhookRoutes } from "./webhook-routes.ts";

/** Largest request body, in bytes. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Methods that each path takes: whatever else comes there is told so. */
export const METHODS: readonly (readonly [path: string, methods: string])[] = [
  ["/v1/tasks", "GET, POST"],
  ["/v1/tasks/:id", "GET"],
  ["/v1/tasks/:id/events", "GET"],
  ["/v1/tasks/:id/trace", "GET"],
  ["/v1/tasks/:id/files", "GET"],
  ["/v1/tasks/:id/files/*", "GET"],
  ["/v1/tasks/:id/receipt", "GET"],
  ["/v1/tasks/:id/cancel", "POST"],
  ["/v1/tasks/:id/outcome", "POST"],
  ["/v1/quotes", "POST"],
  ["/v1/quotes/:quote", "GET"],
  ["/v1/quotes/:quote/accept", "POST"],
  ["/v1/quotes/:quote/cancel", "POST"],
  ["/.well-known/saleroom-receipt-key", "GET"],
  ["/v1/keys", "GET, POST"],
  ["/v1/keys/:key", "DELETE"],
  ["/v1/keys/:key/rotate", "POST"],
  ["/v1/agents", "GET"],
  ["/v1/policy", "GET, PUT"],
  ["/v1/policy/versions", "GET"],
  ["/v1/policy/versions/:version", "GET"],
  ["/v1/usage", "GET"],
  ["/v1/budget", "GET"],
  ["/v1/webhooks", "GET, POST"],
  ["/v1/webhooks/:webhook", "GET, PATCH, DELETE"],
  ["/v1/webhooks/:webhook/rotate", "POST"],
  ["/v1/webhooks/:webhook/test", "POST"],
  ["/v1/webhooks/:webhook/deliveries", "GET"],
  ["/v1/webhooks/:webhook/deliveries/:delivery/redeliver", "POST"],
  ["/v1/tools", "GET, POST"],
  ["/v1/tools/:tool", "GET, PUT, DELETE"],
  ["/v1/tools/:tool/refresh", "POST"],
  ["/v1/verifier-secret", "GET"],
  ["/v1/verifier-secret/rotate", "POST"],
  ["/v1/limits", "GET"],
  ["/healthz", "GET"],
  ["/admin/health", "GET"],
  ["/admin/metrics", "GET"],
  ["/admin/stuck", "GET"],
  ["/admin/stuck/:id/redrive", "POST"],
  ["/admin/stuck/:id/dismiss", "POST"],
  ["/admin/tenants", "GET, POST"],
  ["/admin/tenants/:id", "GET, DELETE"],
  ["/admin/tenants/:id/suspend", "POST"],
  ["/admin/tenants/:id/resume", "POST"],
  ["/admin/tenants/:id/keys", "GET, POST"],
  ["/admin/tenants/:id/keys/:key", "DELETE"],
  ["/admin/tenants/:id/keys/:key/rotate", "POST"],
  ["/admin/tenants/:id/policy", "GET, PUT"],
  ["/admin/tenants/:id/policy/versions", "GET"],
  ["/admin/tenants/:id/policy/versions/:version", "GET"],
  ["/admin/tenants/:id/budget", "GET, PUT"],
  ["/admin/tenants/:id/limits", "GET, PUT"],
  ["/admin/tenants/:id/books/calls", "GET"],
  ["/admin/tenants/:id/books/transfers", "GET"],
  ["/admin/tenants/:id/books/sums", "GET"],
  ["/admin/tenants/:id/training", "GET"],
  ["/admin/tenants/:id/calibrations", "GET, POST"],
  ["/admin/tenants/:id/calibrations/:calibration", "GET"],
  ["/admin/tenants/:id/calibrations/:calibration/accept", "POST"],
  ["/admin/tenants/:id/calibrations/:calibration/cancel", "POST"],
];

export function createApp(deps: ApiDeps): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.use(async (c, next) => {
    const requestId = crypto.randomUUID();
    c.set("requestId", requestId);
    c.header("X-Request-Id", requestId);
    await next();
  });
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw new Problem("body_too_large", {
          issues: [{ path: "", message: `at most ${MAX_BODY_BYTES} bytes` }],
        });
      },
    }),
  );
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.route("/v1/tasks", taskRoutes(deps));
  app.route("/v1/tasks", receiptRoutes(deps));
  app.route("/v1/tasks", outcomeRoutes(deps));
  app.route("/v1/tasks", fileRoutes(deps));
  app.route("/v1/quotes", quoteRoutes(deps));
  app.route("/.well-known", receiptKeyRoutes(deps));
  app.route("/v1/keys", ownKeyRoutes(deps));
  app.route("/v1/agents", agentRoutes(deps));
  app.route("/v1/policy", ownPolicyRoutes(deps));
  app.route("/v1/limits", ownLimitRoutes(deps));
  app.route("/v1/verifier-secret", verifierSecretRoutes(deps));
  app.route("/v1", usageRoutes(deps));
  app.route("/v1/webhooks", webhookRoutes(deps));
  app.route("/v1/tools", toolRoutes(deps));
  app.route("/admin", operatorRoutes(deps));
  app.route("/admin/metrics", metricsRoutes(deps));
  app.route("/admin/stuck", stuckRoutes(deps));
  app.route("/admin/tenants", keyRoutes(deps));
  app.route("/admin/tenants", policyRoutes(deps));
  app.route("/admin/tenants", bookRoutes(deps));
  app.route("/admin/tenants", limitRoutes(deps));
  app.route("/admin/tenants", calibrationRoutes(deps));
  for (const [path, methods] of METHODS) {
    app.all(path, () => {
      throw new Problem("method_not_allowed", { headers: { Allow: methods } });
    });
  }
  app.notFound((c) => problemResponse(new Problem("route_not_found"), c));
  app.onError((error, c) => problemResponse(error, c));
  return app;
}
