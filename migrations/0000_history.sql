CREATE TABLE `auctions` (
	`tenant_id` text NOT NULL,
	`task_id` text NOT NULL,
	`auction_id` text NOT NULL,
	`policy` text NOT NULL,
	`policy_version` integer NOT NULL,
	`weights` text NOT NULL,
	`seed` integer NOT NULL,
	`pool_size` integer NOT NULL,
	`valid_bids` integer NOT NULL,
	`jurors` integer NOT NULL,
	`entropy_used` integer NOT NULL,
	`winner` text,
	`provisional_winner` text,
	`winner_round` integer,
	`margin` real,
	`tokens` integer NOT NULL,
	`cost_micros` integer NOT NULL,
	`opened_at_ms` integer NOT NULL,
	`cleared_at_ms` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `auction_id`)
);
--> statement-breakpoint
CREATE TABLE `bids` (
	`tenant_id` text NOT NULL,
	`task_id` text NOT NULL,
	`bid_id` text NOT NULL,
	`auction_id` text NOT NULL,
	`agent_id` text NOT NULL,
	`round` integer NOT NULL,
	`status` text NOT NULL,
	`reason` text,
	`price` real NOT NULL,
	`visible_tokens` integer,
	`entropy` real,
	`score` real,
	`input_tokens` integer,
	`cached_input_tokens` integer,
	`cache_write_tokens` integer,
	`output_tokens` integer,
	`reasoning_tokens` integer,
	`cost_micros` integer NOT NULL,
	`ms` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `bid_id`)
);
--> statement-breakpoint
CREATE INDEX `bids_by_agent` ON `bids` (`tenant_id`,`agent_id`,`bid_id`);--> statement-breakpoint
CREATE INDEX `bids_by_auction` ON `bids` (`tenant_id`,`auction_id`);--> statement-breakpoint
CREATE TABLE `outcomes` (
	`tenant_id` text NOT NULL,
	`task_id` text NOT NULL,
	`attempt` integer NOT NULL,
	`agent_id` text NOT NULL,
	`outcome` text NOT NULL,
	`verifier` text,
	`evidence` text NOT NULL,
	`decided_at_ms` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `task_id`, `attempt`)
);
--> statement-breakpoint
CREATE TABLE `tasks` (
	`tenant_id` text NOT NULL,
	`task_id` text NOT NULL,
	`sequence` integer NOT NULL,
	`state` text NOT NULL,
	`outcome` text,
	`failure_reason` text,
	`verifier` text,
	`prompt_chars` integer NOT NULL,
	`agent_id` text,
	`attempts` integer NOT NULL,
	`cost_micros` integer NOT NULL,
	`admitted_at_ms` integer NOT NULL,
	`ended_at_ms` integer,
	`version` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `task_id`)
);
--> statement-breakpoint
CREATE INDEX `tasks_by_state` ON `tasks` (`tenant_id`,`state`,`task_id`);--> statement-breakpoint
CREATE TABLE `tenants` (
	`tenant_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`open_tasks` integer NOT NULL,
	`version` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `tenants_open` ON `tenants` (`tenant_id`) WHERE open_tasks > 0;--> statement-breakpoint
CREATE TABLE `traces` (
	`tenant_id` text NOT NULL,
	`task_id` text NOT NULL,
	`trace_id` text NOT NULL,
	`attempt` integer NOT NULL,
	`agent_id` text NOT NULL,
	`steps` integer NOT NULL,
	`messages` integer NOT NULL,
	`input_tokens` integer,
	`cached_input_tokens` integer,
	`cache_write_tokens` integer,
	`output_tokens` integer,
	`reasoning_tokens` integer,
	`cost_micros` integer NOT NULL,
	`awarded_at_ms` integer NOT NULL,
	`ended_at_ms` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `trace_id`)
);
--> statement-breakpoint
CREATE INDEX `traces_by_task` ON `traces` (`tenant_id`,`task_id`);--> statement-breakpoint
CREATE TABLE `verdicts` (
	`tenant_id` text NOT NULL,
	`task_id` text NOT NULL,
	`auction_id` text NOT NULL,
	`juror_id` text NOT NULL,
	`round` integer NOT NULL,
	`status` text NOT NULL,
	`reason` text,
	`scores` text,
	`input_tokens` integer,
	`cached_input_tokens` integer,
	`cache_write_tokens` integer,
	`output_tokens` integer,
	`reasoning_tokens` integer,
	`cost_micros` integer NOT NULL,
	`ms` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `auction_id`, `round`, `juror_id`)
);
