ALTER TABLE `tasks` ADD `calibrates_task_id` text;--> statement-breakpoint
ALTER TABLE `tasks` ADD `calibrates_auction_id` text;--> statement-breakpoint
CREATE INDEX `tasks_by_calibrated` ON `tasks` (`tenant_id`,`calibrates_auction_id`,`task_id`) WHERE calibrates_auction_id IS NOT NULL;