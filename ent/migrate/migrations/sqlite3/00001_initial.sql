-- +goose Up
-- create "api_keys" table
CREATE TABLE `api_keys` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `name` text NOT NULL, `hash` text NOT NULL, `hint` text NOT NULL, `scopes` json NOT NULL, `created_by` text NULL, `last_used_at` datetime NULL, `expires_at` datetime NULL, `revoked_at` datetime NULL, PRIMARY KEY (`id`));
-- create index "api_keys_hash_key" to table: "api_keys"
CREATE UNIQUE INDEX `api_keys_hash_key` ON `api_keys` (`hash`);
-- create index "apikey_account_id_created_at_id" to table: "api_keys"
CREATE INDEX `apikey_account_id_created_at_id` ON `api_keys` (`account_id`, `created_at`, `id`);
-- create "accounts" table
CREATE TABLE `accounts` (`id` text NOT NULL, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `name` text NOT NULL, `mode` text NOT NULL DEFAULT ('LIVE'), `live_account_id` text NULL, PRIMARY KEY (`id`));
-- create index "accounts_live_account_id_key" to table: "accounts"
CREATE UNIQUE INDEX `accounts_live_account_id_key` ON `accounts` (`live_account_id`);
-- create "audit_entries" table
CREATE TABLE `audit_entries` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `actor_kind` text NOT NULL, `actor_id` text NOT NULL, `action` text NOT NULL, `subject_id` text NOT NULL, `detail` json NULL, `request_id` text NULL, PRIMARY KEY (`id`));
-- create index "auditentry_account_id_created_at_id" to table: "audit_entries"
CREATE INDEX `auditentry_account_id_created_at_id` ON `audit_entries` (`account_id`, `created_at`, `id`);
-- create index "auditentry_account_id_subject_id_created_at_id" to table: "audit_entries"
CREATE INDEX `auditentry_account_id_subject_id_created_at_id` ON `audit_entries` (`account_id`, `subject_id`, `created_at`, `id`);
-- create index "auditentry_account_id_action_created_at_id" to table: "audit_entries"
CREATE INDEX `auditentry_account_id_action_created_at_id` ON `audit_entries` (`account_id`, `action`, `created_at`, `id`);
-- create "contacts" table
CREATE TABLE `contacts` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `first_name` text NOT NULL, `last_name` text NOT NULL DEFAULT (''), `email` text NOT NULL, `phone` text NULL, `external_id` text NULL, `custom_attributes` json NOT NULL, `sort_name` text NOT NULL, PRIMARY KEY (`id`));
-- create index "contact_account_id_created_at_id" to table: "contacts"
CREATE INDEX `contact_account_id_created_at_id` ON `contacts` (`account_id`, `created_at`, `id`);
-- create index "contact_account_id_updated_at_id" to table: "contacts"
CREATE INDEX `contact_account_id_updated_at_id` ON `contacts` (`account_id`, `updated_at`, `id`);
-- create index "contact_account_id_sort_name_id" to table: "contacts"
CREATE INDEX `contact_account_id_sort_name_id` ON `contacts` (`account_id`, `sort_name`, `id`);
-- create index "contact_account_id_email" to table: "contacts"
CREATE UNIQUE INDEX `contact_account_id_email` ON `contacts` (`account_id`, `email`);
-- create index "contact_account_id_external_id" to table: "contacts"
CREATE UNIQUE INDEX `contact_account_id_external_id` ON `contacts` (`account_id`, `external_id`);
-- create "deliveries" table
CREATE TABLE `deliveries` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `state` text NOT NULL DEFAULT ('PENDING'), `attempt_count` integer NOT NULL DEFAULT (0), `next_attempt_at` datetime NULL, `lease_owner` text NULL, `lease_until` datetime NULL, `last_status` integer NULL, `last_error` text NULL, `delivered_at` datetime NULL, `event_id` text NOT NULL, `endpoint_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `deliveries_events_deliveries` FOREIGN KEY (`event_id`) REFERENCES `events` (`id`) ON DELETE NO ACTION, CONSTRAINT `deliveries_webhook_endpoints_deliveries` FOREIGN KEY (`endpoint_id`) REFERENCES `webhook_endpoints` (`id`) ON DELETE NO ACTION);
-- create index "delivery_account_id_created_at_id" to table: "deliveries"
CREATE INDEX `delivery_account_id_created_at_id` ON `deliveries` (`account_id`, `created_at`, `id`);
-- create index "delivery_account_id_endpoint_id_created_at_id" to table: "deliveries"
CREATE INDEX `delivery_account_id_endpoint_id_created_at_id` ON `deliveries` (`account_id`, `endpoint_id`, `created_at`, `id`);
-- create index "delivery_account_id_state_created_at_id" to table: "deliveries"
CREATE INDEX `delivery_account_id_state_created_at_id` ON `deliveries` (`account_id`, `state`, `created_at`, `id`);
-- create index "delivery_event_id_endpoint_id" to table: "deliveries"
CREATE UNIQUE INDEX `delivery_event_id_endpoint_id` ON `deliveries` (`event_id`, `endpoint_id`);
-- create index "delivery_due" to table: "deliveries"
CREATE INDEX `delivery_due` ON `deliveries` (`next_attempt_at`) WHERE state = 'PENDING';
-- create index "delivery_leased" to table: "deliveries"
CREATE INDEX `delivery_leased` ON `deliveries` (`lease_until`) WHERE state = 'DELIVERING';
-- create "delivery_attempts" table
CREATE TABLE `delivery_attempts` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `number` integer NOT NULL, `started_at` datetime NOT NULL, `duration_ms` integer NOT NULL, `status` integer NULL, `error_class` text NOT NULL DEFAULT (''), `error` text NULL, `request_headers` json NULL, `response_excerpt` blob NULL, `delivery_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `delivery_attempts_deliveries_attempts` FOREIGN KEY (`delivery_id`) REFERENCES `deliveries` (`id`) ON DELETE NO ACTION);
-- create index "deliveryattempt_delivery_id_number" to table: "delivery_attempts"
CREATE UNIQUE INDEX `deliveryattempt_delivery_id_number` ON `delivery_attempts` (`delivery_id`, `number`);
-- create "events" table
CREATE TABLE `events` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `seq` integer NULL, `topic` text NOT NULL, `studio_id` text NULL, `contact_id` text NULL, `submission_id` text NULL, `subject_id` text NOT NULL, `endpoint_id` text NULL, `detail` json NULL, `body` blob NULL, `fanned_out` bool NOT NULL DEFAULT (false), `erased` bool NOT NULL DEFAULT (false), `occurred_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "events_seq_key" to table: "events"
CREATE UNIQUE INDEX `events_seq_key` ON `events` (`seq`);
-- create index "event_account_id_seq" to table: "events"
CREATE INDEX `event_account_id_seq` ON `events` (`account_id`, `seq`);
-- create index "event_account_id_topic_seq" to table: "events"
CREATE INDEX `event_account_id_topic_seq` ON `events` (`account_id`, `topic`, `seq`);
-- create index "event_account_id_created_at_id" to table: "events"
CREATE INDEX `event_account_id_created_at_id` ON `events` (`account_id`, `created_at`, `id`);
-- create index "event_submission_id" to table: "events"
CREATE INDEX `event_submission_id` ON `events` (`submission_id`);
-- create index "event_contact_id" to table: "events"
CREATE INDEX `event_contact_id` ON `events` (`contact_id`);
-- create index "event_unnumbered" to table: "events"
CREATE INDEX `event_unnumbered` ON `events` (`id`) WHERE seq IS NULL;
-- create index "event_not_fanned_out" to table: "events"
CREATE INDEX `event_not_fanned_out` ON `events` (`seq`) WHERE NOT fanned_out;
-- create "idempotency_records" table
CREATE TABLE `idempotency_records` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `owner_id` text NOT NULL, `key` text NOT NULL, `request_hash` text NOT NULL, `subject_id` text NULL, `status` integer NULL, `response` blob NULL, `expires_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "idempotencyrecord_account_id_owner_id_key" to table: "idempotency_records"
CREATE UNIQUE INDEX `idempotencyrecord_account_id_owner_id_key` ON `idempotency_records` (`account_id`, `owner_id`, `key`);
-- create index "idempotencyrecord_expires_at" to table: "idempotency_records"
CREATE INDEX `idempotencyrecord_expires_at` ON `idempotency_records` (`expires_at`);
-- create "images" table
CREATE TABLE `images` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `kind` text NOT NULL, `name` text NOT NULL, `width` integer NOT NULL, `height` integer NOT NULL, `content_type` text NOT NULL, `bytes` integer NOT NULL, `sha256` text NOT NULL, `blob_key` text NOT NULL, `revision_id` text NULL, `submission_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `images_revisions_images` FOREIGN KEY (`revision_id`) REFERENCES `revisions` (`id`) ON DELETE SET NULL, CONSTRAINT `images_submissions_images` FOREIGN KEY (`submission_id`) REFERENCES `submissions` (`id`) ON DELETE NO ACTION);
-- create index "image_account_id_created_at_id" to table: "images"
CREATE INDEX `image_account_id_created_at_id` ON `images` (`account_id`, `created_at`, `id`);
-- create index "image_submission_id" to table: "images"
CREATE INDEX `image_submission_id` ON `images` (`submission_id`);
-- create index "image_revision_id_kind_name" to table: "images"
CREATE UNIQUE INDEX `image_revision_id_kind_name` ON `images` (`revision_id`, `kind`, `name`);
-- create "lists" table
CREATE TABLE `lists` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `name` text NOT NULL, `description` text NOT NULL DEFAULT (''), PRIMARY KEY (`id`));
-- create index "list_account_id_created_at_id" to table: "lists"
CREATE INDEX `list_account_id_created_at_id` ON `lists` (`account_id`, `created_at`, `id`);
-- create index "list_account_id_name" to table: "lists"
CREATE UNIQUE INDEX `list_account_id_name` ON `lists` (`account_id`, `name`);
-- create "list_memberships" table
CREATE TABLE `list_memberships` (`account_id` text NOT NULL, `created_at` datetime NOT NULL, `contact_id` text NOT NULL, `list_id` text NOT NULL, PRIMARY KEY (`contact_id`, `list_id`), CONSTRAINT `list_memberships_contacts_contact` FOREIGN KEY (`contact_id`) REFERENCES `contacts` (`id`) ON DELETE CASCADE, CONSTRAINT `list_memberships_lists_list` FOREIGN KEY (`list_id`) REFERENCES `lists` (`id`) ON DELETE CASCADE);
-- create index "listmembership_account_id_list_id_contact_id" to table: "list_memberships"
CREATE INDEX `listmembership_account_id_list_id_contact_id` ON `list_memberships` (`account_id`, `list_id`, `contact_id`);
-- create index "listmembership_account_id_contact_id_list_id" to table: "list_memberships"
CREATE INDEX `listmembership_account_id_contact_id_list_id` ON `list_memberships` (`account_id`, `contact_id`, `list_id`);
-- create "portal_sessions" table
CREATE TABLE `portal_sessions` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `token_hash` text NOT NULL, `expires_at` datetime NOT NULL, `user_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `portal_sessions_users_portal_sessions` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE NO ACTION);
-- create index "portal_sessions_token_hash_key" to table: "portal_sessions"
CREATE UNIQUE INDEX `portal_sessions_token_hash_key` ON `portal_sessions` (`token_hash`);
-- create index "portalsession_user_id" to table: "portal_sessions"
CREATE INDEX `portalsession_user_id` ON `portal_sessions` (`user_id`);
-- create index "portalsession_expires_at" to table: "portal_sessions"
CREATE INDEX `portalsession_expires_at` ON `portal_sessions` (`expires_at`);
-- create "revisions" table
CREATE TABLE `revisions` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `number` integer NOT NULL, `processing_state` text NOT NULL DEFAULT ('QUEUED'), `look` json NULL, `look_version` integer NOT NULL DEFAULT (1), `forbid_many_faces` bool NOT NULL DEFAULT (false), `notify` bool NOT NULL DEFAULT (true), `profile` text NOT NULL DEFAULT (''), `models` json NULL, `steps` json NULL, `quality` json NULL, `failure_code` text NULL, `failure_message` text NULL, `attempts` integer NOT NULL DEFAULT (0), `started_at` datetime NULL, `finished_at` datetime NULL, `submission_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `revisions_submissions_revisions` FOREIGN KEY (`submission_id`) REFERENCES `submissions` (`id`) ON DELETE NO ACTION);
-- create index "revision_account_id_created_at_id" to table: "revisions"
CREATE INDEX `revision_account_id_created_at_id` ON `revisions` (`account_id`, `created_at`, `id`);
-- create index "revision_submission_id_number" to table: "revisions"
CREATE UNIQUE INDEX `revision_submission_id_number` ON `revisions` (`submission_id`, `number`);
-- create "studios" table
CREATE TABLE `studios` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `name` text NOT NULL, `brand` json NULL, `guidelines` text NOT NULL DEFAULT (''), `consent_text` text NOT NULL DEFAULT (''), `consent_version` text NOT NULL DEFAULT ('1'), `look` json NULL, `look_version` integer NOT NULL DEFAULT (1), `auto_accept` bool NOT NULL DEFAULT (true), `min_quality` real NOT NULL DEFAULT (0), `forbid_many_faces` bool NOT NULL DEFAULT (false), `session_ttl_seconds` integer NOT NULL DEFAULT (2592000), PRIMARY KEY (`id`));
-- create index "studio_account_id_created_at_id" to table: "studios"
CREATE INDEX `studio_account_id_created_at_id` ON `studios` (`account_id`, `created_at`, `id`);
-- create index "studio_account_id_name_id" to table: "studios"
CREATE INDEX `studio_account_id_name_id` ON `studios` (`account_id`, `name`, `id`);
-- create "studio_memberships" table
CREATE TABLE `studio_memberships` (`account_id` text NOT NULL, `created_at` datetime NOT NULL, `contact_id` text NOT NULL, `studio_id` text NOT NULL, PRIMARY KEY (`contact_id`, `studio_id`), CONSTRAINT `studio_memberships_contacts_contact` FOREIGN KEY (`contact_id`) REFERENCES `contacts` (`id`) ON DELETE CASCADE, CONSTRAINT `studio_memberships_studios_studio` FOREIGN KEY (`studio_id`) REFERENCES `studios` (`id`) ON DELETE CASCADE);
-- create index "studiomembership_account_id_studio_id_contact_id" to table: "studio_memberships"
CREATE INDEX `studiomembership_account_id_studio_id_contact_id` ON `studio_memberships` (`account_id`, `studio_id`, `contact_id`);
-- create index "studiomembership_account_id_contact_id_studio_id" to table: "studio_memberships"
CREATE INDEX `studiomembership_account_id_contact_id_studio_id` ON `studio_memberships` (`account_id`, `contact_id`, `studio_id`);
-- create "studio_sessions" table
CREATE TABLE `studio_sessions` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `state` text NOT NULL DEFAULT ('OPEN'), `token_hash` text NOT NULL, `token_generation` integer NOT NULL DEFAULT (0), `redirect_url` text NULL, `metadata` json NOT NULL, `expires_at` datetime NOT NULL, `opened_at` datetime NULL, `submitted_at` datetime NULL, `completed_at` datetime NULL, `revoked_at` datetime NULL, `consented_at` datetime NULL, `consent_version` text NULL, `contact_id` text NOT NULL, `studio_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `studio_sessions_contacts_studio_sessions` FOREIGN KEY (`contact_id`) REFERENCES `contacts` (`id`) ON DELETE NO ACTION, CONSTRAINT `studio_sessions_studios_studio_sessions` FOREIGN KEY (`studio_id`) REFERENCES `studios` (`id`) ON DELETE NO ACTION);
-- create index "studio_sessions_token_hash_key" to table: "studio_sessions"
CREATE UNIQUE INDEX `studio_sessions_token_hash_key` ON `studio_sessions` (`token_hash`);
-- create index "studiosession_account_id_created_at_id" to table: "studio_sessions"
CREATE INDEX `studiosession_account_id_created_at_id` ON `studio_sessions` (`account_id`, `created_at`, `id`);
-- create index "studiosession_account_id_updated_at_id" to table: "studio_sessions"
CREATE INDEX `studiosession_account_id_updated_at_id` ON `studio_sessions` (`account_id`, `updated_at`, `id`);
-- create index "studiosession_account_id_studio_id_created_at_id" to table: "studio_sessions"
CREATE INDEX `studiosession_account_id_studio_id_created_at_id` ON `studio_sessions` (`account_id`, `studio_id`, `created_at`, `id`);
-- create index "studiosession_account_id_contact_id_created_at_id" to table: "studio_sessions"
CREATE INDEX `studiosession_account_id_contact_id_created_at_id` ON `studio_sessions` (`account_id`, `contact_id`, `created_at`, `id`);
-- create index "studiosession_account_id_state_created_at_id" to table: "studio_sessions"
CREATE INDEX `studiosession_account_id_state_created_at_id` ON `studio_sessions` (`account_id`, `state`, `created_at`, `id`);
-- create "submissions" table
CREATE TABLE `submissions` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `replaces_id` text NULL, `state` text NOT NULL DEFAULT ('PENDING'), `processing_state` text NOT NULL DEFAULT ('QUEUED'), `complete` bool NOT NULL DEFAULT (false), `completed_at` datetime NULL, `progress` real NOT NULL DEFAULT (0), `progress_step` text NOT NULL DEFAULT (''), `revision_id` text NULL, `complete_revision_id` text NULL, `failure_code` text NULL, `failure_message` text NULL, `quality` json NULL, `warnings` json NULL, `review_reasons` json NULL, `review_note` text NULL, `reviewed_by` text NULL, `reviewed_at` datetime NULL, `contact_id` text NOT NULL, `studio_id` text NOT NULL, `studio_session_id` text NULL, PRIMARY KEY (`id`), CONSTRAINT `submissions_contacts_submissions` FOREIGN KEY (`contact_id`) REFERENCES `contacts` (`id`) ON DELETE NO ACTION, CONSTRAINT `submissions_studios_submissions` FOREIGN KEY (`studio_id`) REFERENCES `studios` (`id`) ON DELETE NO ACTION, CONSTRAINT `submissions_studio_sessions_submissions` FOREIGN KEY (`studio_session_id`) REFERENCES `studio_sessions` (`id`) ON DELETE SET NULL);
-- create index "submission_account_id_created_at_id" to table: "submissions"
CREATE INDEX `submission_account_id_created_at_id` ON `submissions` (`account_id`, `created_at`, `id`);
-- create index "submission_account_id_updated_at_id" to table: "submissions"
CREATE INDEX `submission_account_id_updated_at_id` ON `submissions` (`account_id`, `updated_at`, `id`);
-- create index "submission_account_id_completed_at_id" to table: "submissions"
CREATE INDEX `submission_account_id_completed_at_id` ON `submissions` (`account_id`, `completed_at`, `id`);
-- create index "submission_account_id_studio_id_created_at_id" to table: "submissions"
CREATE INDEX `submission_account_id_studio_id_created_at_id` ON `submissions` (`account_id`, `studio_id`, `created_at`, `id`);
-- create index "submission_account_id_contact_id_created_at_id" to table: "submissions"
CREATE INDEX `submission_account_id_contact_id_created_at_id` ON `submissions` (`account_id`, `contact_id`, `created_at`, `id`);
-- create index "submission_account_id_state_created_at_id" to table: "submissions"
CREATE INDEX `submission_account_id_state_created_at_id` ON `submissions` (`account_id`, `state`, `created_at`, `id`);
-- create index "submission_account_id_processing_state_created_at_id" to table: "submissions"
CREATE INDEX `submission_account_id_processing_state_created_at_id` ON `submissions` (`account_id`, `processing_state`, `created_at`, `id`);
-- create index "submission_account_id_complete_created_at_id" to table: "submissions"
CREATE INDEX `submission_account_id_complete_created_at_id` ON `submissions` (`account_id`, `complete`, `created_at`, `id`);
-- create index "submission_studio_session_id" to table: "submissions"
CREATE INDEX `submission_studio_session_id` ON `submissions` (`studio_session_id`);
-- create index "submission_replaces_id" to table: "submissions"
CREATE INDEX `submission_replaces_id` ON `submissions` (`replaces_id`);
-- create "users" table
CREATE TABLE `users` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `email` text NOT NULL, `name` text NOT NULL DEFAULT (''), `role` text NOT NULL DEFAULT ('VIEWER'), `password_hash` text NULL, `last_login_at` datetime NULL, `disabled_at` datetime NULL, PRIMARY KEY (`id`));
-- create index "users_email_key" to table: "users"
CREATE UNIQUE INDEX `users_email_key` ON `users` (`email`);
-- create index "user_account_id_created_at_id" to table: "users"
CREATE INDEX `user_account_id_created_at_id` ON `users` (`account_id`, `created_at`, `id`);
-- create "webhook_endpoints" table
CREATE TABLE `webhook_endpoints` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `updated_at` datetime NOT NULL, `version` integer NOT NULL DEFAULT (1), `url` text NOT NULL, `description` text NOT NULL DEFAULT (''), `topics` json NOT NULL, `headers` json NULL, `state` text NOT NULL DEFAULT ('ENABLED'), `state_reason` text NULL, `failing_since` datetime NULL, `last_success_at` datetime NULL, `studio_id` text NULL, PRIMARY KEY (`id`), CONSTRAINT `webhook_endpoints_studios_webhook_endpoints` FOREIGN KEY (`studio_id`) REFERENCES `studios` (`id`) ON DELETE SET NULL);
-- create index "webhookendpoint_account_id_created_at_id" to table: "webhook_endpoints"
CREATE INDEX `webhookendpoint_account_id_created_at_id` ON `webhook_endpoints` (`account_id`, `created_at`, `id`);
-- create index "webhookendpoint_account_id_state_created_at_id" to table: "webhook_endpoints"
CREATE INDEX `webhookendpoint_account_id_state_created_at_id` ON `webhook_endpoints` (`account_id`, `state`, `created_at`, `id`);
-- create "webhook_secrets" table
CREATE TABLE `webhook_secrets` (`id` text NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, `ciphertext` blob NOT NULL, `expires_at` datetime NULL, `endpoint_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `webhook_secrets_webhook_endpoints_secrets` FOREIGN KEY (`endpoint_id`) REFERENCES `webhook_endpoints` (`id`) ON DELETE NO ACTION);
-- create index "webhooksecret_endpoint_id_created_at" to table: "webhook_secrets"
CREATE INDEX `webhooksecret_endpoint_id_created_at` ON `webhook_secrets` (`endpoint_id`, `created_at`);
