CREATE TABLE `agent_sums` (
	`agent_id` text NOT NULL,
	`kind` text NOT NULL,
	`steps_up_to` integer NOT NULL,
	`times` integer NOT NULL,
	`steps` integer NOT NULL,
	`input_tokens` integer NOT NULL,
	`cached_input_tokens` integer NOT NULL,
	`cache_write_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`reasoning_tokens` integer NOT NULL,
	`cost_micros` integer NOT NULL,
	PRIMARY KEY(`agent_id`, `kind`, `steps_up_to`)
);
--> statement-breakpoint
CREATE TABLE `end_sums` (
	`state` text NOT NULL,
	`outcome` text NOT NULL,
	`reason` text NOT NULL,
	`ms_up_to` integer NOT NULL,
	`times` integer NOT NULL,
	`ms` integer NOT NULL,
	PRIMARY KEY(`state`, `outcome`, `reason`, `ms_up_to`)
);
