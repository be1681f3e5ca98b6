CREATE TABLE `tenant_requests` (
	`key_hash` text PRIMARY KEY NOT NULL,
	`body_hash` text NOT NULL,
	`tenant_id` text NOT NULL,
	`is_set_up` integer NOT NULL,
	`expires_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `tenant_requests_by_tenant` ON `tenant_requests` (`tenant_id`);--> statement-breakpoint
CREATE INDEX `tenant_requests_by_expiry` ON `tenant_requests` (`expires_at_ms`);