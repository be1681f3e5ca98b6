CREATE TABLE `stuck` (
	`stuck_id` text PRIMARY KEY NOT NULL,
	`tenant_id` text,
	`task_id` text,
	`kind` text NOT NULL,
	`work` text NOT NULL,
	`state` text NOT NULL,
	`attempt` integer,
	`generation` integer,
	`tries` integer NOT NULL,
	`lapses` integer NOT NULL,
	`error_class` text,
	`error` text,
	`message_id` text,
	`since_at_ms` integer NOT NULL,
	`version` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `stuck_message_id_unique` ON `stuck` (`message_id`);--> statement-breakpoint
CREATE INDEX `stuck_open` ON `stuck` (`stuck_id`) WHERE state = 'open';--> statement-breakpoint
CREATE INDEX `stuck_by_tenant` ON `stuck` (`tenant_id`);--> statement-breakpoint
DROP INDEX `tenants_open`;--> statement-breakpoint
ALTER TABLE `tenants` ADD `waits` integer DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX `tenants_awake` ON `tenants` (`tenant_id`) WHERE open_tasks > 0 OR waits > 0;