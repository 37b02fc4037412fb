-- +goose Up
-- create "accounts" table
CREATE TABLE "accounts" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL DEFAULT 1, "name" character varying NOT NULL COLLATE "C", "mode" character varying NOT NULL DEFAULT 'LIVE' COLLATE "C", "live_account_id" character varying NULL COLLATE "C", PRIMARY KEY ("id"));
-- create index "accounts_live_account_id_key" to table: "accounts"
CREATE UNIQUE INDEX "accounts_live_account_id_key" ON "accounts" ("live_account_id");
-- create "audit_entries" table
CREATE TABLE "audit_entries" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "actor_kind" character varying NOT NULL COLLATE "C", "actor_id" character varying NOT NULL COLLATE "C", "action" character varying NOT NULL COLLATE "C", "subject_id" character varying NOT NULL COLLATE "C", "detail" jsonb NULL, "request_id" character varying NULL COLLATE "C", PRIMARY KEY ("id"));
-- create index "auditentry_account_id_action_created_at_id" to table: "audit_entries"
CREATE INDEX "auditentry_account_id_action_created_at_id" ON "audit_entries" ("account_id", "action", "created_at", "id");
-- create index "auditentry_account_id_created_at_id" to table: "audit_entries"
CREATE INDEX "auditentry_account_id_created_at_id" ON "audit_entries" ("account_id", "created_at", "id");
-- create index "auditentry_account_id_subject_id_created_at_id" to table: "audit_entries"
CREATE INDEX "auditentry_account_id_subject_id_created_at_id" ON "audit_entries" ("account_id", "subject_id", "created_at", "id");
-- create "events" table
CREATE TABLE "events" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "seq" bigint NULL, "topic" character varying NOT NULL COLLATE "C", "studio_id" character varying NULL COLLATE "C", "contact_id" character varying NULL COLLATE "C", "submission_id" character varying NULL COLLATE "C", "subject_id" character varying NOT NULL COLLATE "C", "endpoint_id" character varying NULL COLLATE "C", "detail" jsonb NULL, "body" bytea NULL, "fanned_out" boolean NOT NULL DEFAULT false, "erased" boolean NOT NULL DEFAULT false, "occurred_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create index "event_account_id_created_at_id" to table: "events"
CREATE INDEX "event_account_id_created_at_id" ON "events" ("account_id", "created_at", "id");
-- create index "event_account_id_seq" to table: "events"
CREATE INDEX "event_account_id_seq" ON "events" ("account_id", "seq");
-- create index "event_account_id_topic_seq" to table: "events"
CREATE INDEX "event_account_id_topic_seq" ON "events" ("account_id", "topic", "seq");
-- create index "event_contact_id" to table: "events"
CREATE INDEX "event_contact_id" ON "events" ("contact_id");
-- create index "event_not_fanned_out" to table: "events"
CREATE INDEX "event_not_fanned_out" ON "events" ("seq") WHERE (NOT fanned_out);
-- create index "event_submission_id" to table: "events"
CREATE INDEX "event_submission_id" ON "events" ("submission_id");
-- create index "event_unnumbered" to table: "events"
CREATE INDEX "event_unnumbered" ON "events" ("id") WHERE (seq IS NULL);
-- create index "events_seq_key" to table: "events"
CREATE UNIQUE INDEX "events_seq_key" ON "events" ("seq");
-- create "idempotency_records" table
CREATE TABLE "idempotency_records" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "owner_id" character varying NOT NULL COLLATE "C", "key" character varying NOT NULL COLLATE "C", "request_hash" character varying NOT NULL COLLATE "C", "subject_id" character varying NULL COLLATE "C", "status" bigint NULL, "response" bytea NULL, "expires_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create index "idempotencyrecord_account_id_owner_id_key" to table: "idempotency_records"
CREATE UNIQUE INDEX "idempotencyrecord_account_id_owner_id_key" ON "idempotency_records" ("account_id", "owner_id", "key");
-- create index "idempotencyrecord_expires_at" to table: "idempotency_records"
CREATE INDEX "idempotencyrecord_expires_at" ON "idempotency_records" ("expires_at");
-- create "api_keys" table
CREATE TABLE "api_keys" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL DEFAULT 1, "name" character varying NOT NULL COLLATE "C", "hash" character varying NOT NULL COLLATE "C", "hint" character varying NOT NULL COLLATE "C", "scopes" jsonb NOT NULL, "created_by" character varying NULL COLLATE "C", "last_used_at" timestamptz NULL, "expires_at" timestamptz NULL, "revoked_at" timestamptz NULL, PRIMARY KEY ("id"));
-- create index "api_keys_hash_key" to table: "api_keys"
CREATE UNIQUE INDEX "api_keys_hash_key" ON "api_keys" ("hash");
-- create index "apikey_account_id_created_at_id" to table: "api_keys"
CREATE INDEX "apikey_account_id_created_at_id" ON "api_keys" ("account_id", "created_at", "id");
-- create "studios" table
CREATE TABLE "studios" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL DEFAULT 1, "name" character varying NOT NULL COLLATE "C", "brand" jsonb NULL, "guidelines" character varying NOT NULL DEFAULT '' COLLATE "C", "consent_text" character varying NOT NULL DEFAULT '' COLLATE "C", "consent_version" character varying NOT NULL DEFAULT '1' COLLATE "C", "look" jsonb NULL, "look_version" bigint NOT NULL DEFAULT 1, "auto_accept" boolean NOT NULL DEFAULT true, "min_quality" double precision NOT NULL DEFAULT 0, "forbid_many_faces" boolean NOT NULL DEFAULT false, "session_ttl_seconds" bigint NOT NULL DEFAULT 2592000, PRIMARY KEY ("id"));
-- create index "studio_account_id_created_at_id" to table: "studios"
CREATE INDEX "studio_account_id_created_at_id" ON "studios" ("account_id", "created_at", "id");
-- create index "studio_account_id_name_id" to table: "studios"
CREATE INDEX "studio_account_id_name_id" ON "studios" ("account_id", "name", "id");
-- create "webhook_endpoints" table
CREATE TABLE "webhook_endpoints" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL DEFAULT 1, "url" character varying NOT NULL COLLATE "C", "description" character varying NOT NULL DEFAULT '' COLLATE "C", "topics" jsonb NOT NULL, "headers" jsonb NULL, "state" character varying NOT NULL DEFAULT 'ENABLED' COLLATE "C", "state_reason" character varying NULL COLLATE "C", "failing_since" timestamptz NULL, "last_success_at" timestamptz NULL, "studio_id" character varying NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "webhook_endpoints_studios_webhook_endpoints" FOREIGN KEY ("studio_id") REFERENCES "studios" ("id") ON UPDATE NO ACTION ON DELETE SET NULL);
-- create index "webhookendpoint_account_id_created_at_id" to table: "webhook_endpoints"
CREATE INDEX "webhookendpoint_account_id_created_at_id" ON "webhook_endpoints" ("account_id", "created_at", "id");
-- create index "webhookendpoint_account_id_state_created_at_id" to table: "webhook_endpoints"
CREATE INDEX "webhookendpoint_account_id_state_created_at_id" ON "webhook_endpoints" ("account_id", "state", "created_at", "id");
-- create "deliveries" table
CREATE TABLE "deliveries" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL DEFAULT 1, "state" character varying NOT NULL DEFAULT 'PENDING' COLLATE "C", "attempt_count" bigint NOT NULL DEFAULT 0, "next_attempt_at" timestamptz NULL, "lease_owner" character varying NULL COLLATE "C", "lease_until" timestamptz NULL, "last_status" bigint NULL, "last_error" character varying NULL COLLATE "C", "delivered_at" timestamptz NULL, "event_id" character varying NOT NULL COLLATE "C", "endpoint_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "deliveries_events_deliveries" FOREIGN KEY ("event_id") REFERENCES "events" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION, CONSTRAINT "deliveries_webhook_endpoints_deliveries" FOREIGN KEY ("endpoint_id") REFERENCES "webhook_endpoints" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "delivery_account_id_created_at_id" to table: "deliveries"
CREATE INDEX "delivery_account_id_created_at_id" ON "deliveries" ("account_id", "created_at", "id");
-- create index "delivery_account_id_endpoint_id_created_at_id" to table: "deliveries"
CREATE INDEX "delivery_account_id_endpoint_id_created_at_id" ON "deliveries" ("account_id", "endpoint_id", "created_at", "id");
-- create index "delivery_account_id_state_created_at_id" to table: "deliveries"
CREATE INDEX "delivery_account_id_state_created_at_id" ON "deliveries" ("account_id", "state", "created_at", "id");
-- create index "delivery_due" to table: "deliveries"
CREATE INDEX "delivery_due" ON "deliveries" ("next_attempt_at") WHERE ((state)::text = 'PENDING'::text);
-- create index "delivery_event_id_endpoint_id" to table: "deliveries"
CREATE UNIQUE INDEX "delivery_event_id_endpoint_id" ON "deliveries" ("event_id", "endpoint_id");
-- create index "delivery_leased" to table: "deliveries"
CREATE INDEX "delivery_leased" ON "deliveries" ("lease_until") WHERE ((state)::text = 'DELIVERING'::text);
-- create "delivery_attempts" table
CREATE TABLE "delivery_attempts" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "number" bigint NOT NULL, "started_at" timestamptz NOT NULL, "duration_ms" bigint NOT NULL, "status" bigint NULL, "error_class" character varying NOT NULL DEFAULT '' COLLATE "C", "error" character varying NULL COLLATE "C", "request_headers" jsonb NULL, "response_excerpt" bytea NULL, "delivery_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "delivery_attempts_deliveries_attempts" FOREIGN KEY ("delivery_id") REFERENCES "deliveries" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "deliveryattempt_delivery_id_number" to table: "delivery_attempts"
CREATE UNIQUE INDEX "deliveryattempt_delivery_id_number" ON "delivery_attempts" ("delivery_id", "number");
-- create "contacts" table
CREATE TABLE "contacts" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL DEFAULT 1, "first_name" character varying NOT NULL COLLATE "C", "last_name" character varying NOT NULL DEFAULT '' COLLATE "C", "email" character varying NOT NULL COLLATE "C", "phone" character varying NULL COLLATE "C", "external_id" character varying NULL COLLATE "C", "custom_attributes" jsonb NOT NULL, "sort_name" character varying NOT NULL COLLATE "C", PRIMARY KEY ("id"));
-- create index "contact_account_id_created_at_id" to table: "contacts"
CREATE INDEX "contact_account_id_created_at_id" ON "contacts" ("account_id", "created_at", "id");
-- create index "contact_account_id_email" to table: "contacts"
CREATE UNIQUE INDEX "contact_account_id_email" ON "contacts" ("account_id", "email");
-- create index "contact_account_id_external_id" to table: "contacts"
CREATE UNIQUE INDEX "contact_account_id_external_id" ON "contacts" ("account_id", "external_id");
-- create index "contact_account_id_sort_name_id" to table: "contacts"
CREATE INDEX "contact_account_id_sort_name_id" ON "contacts" ("account_id", "sort_name", "id");
-- create index "contact_account_id_updated_at_id" to table: "contacts"
CREATE INDEX "contact_account_id_updated_at_id" ON "contacts" ("account_id", "updated_at", "id");
-- create "studio_sessions" table
CREATE TABLE "studio_sessions" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL DEFAULT 1, "state" character varying NOT NULL DEFAULT 'OPEN' COLLATE "C", "token_hash" character varying NOT NULL COLLATE "C", "token_generation" bigint NOT NULL DEFAULT 0, "redirect_url" character varying NULL COLLATE "C", "metadata" jsonb NOT NULL, "expires_at" timestamptz NOT NULL, "opened_at" timestamptz NULL, "submitted_at" timestamptz NULL, "completed_at" timestamptz NULL, "revoked_at" timestamptz NULL, "consented_at" timestamptz NULL, "consent_version" character varying NULL COLLATE "C", "contact_id" character varying NOT NULL COLLATE "C", "studio_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "studio_sessions_contacts_studio_sessions" FOREIGN KEY ("contact_id") REFERENCES "contacts" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION, CONSTRAINT "studio_sessions_studios_studio_sessions" FOREIGN KEY ("studio_id") REFERENCES "studios" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "studio_sessions_token_hash_key" to table: "studio_sessions"
CREATE UNIQUE INDEX "studio_sessions_token_hash_key" ON "studio_sessions" ("token_hash");
-- create index "studiosession_account_id_contact_id_created_at_id" to table: "studio_sessions"
CREATE INDEX "studiosession_account_id_contact_id_created_at_id" ON "studio_sessions" ("account_id", "contact_id", "created_at", "id");
-- create index "studiosession_account_id_created_at_id" to table: "studio_sessions"
CREATE INDEX "studiosession_account_id_created_at_id" ON "studio_sessions" ("account_id", "created_at", "id");
-- create index "studiosession_account_id_state_created_at_id" to table: "studio_sessions"
CREATE INDEX "studiosession_account_id_state_created_at_id" ON "studio_sessions" ("account_id", "state", "created_at", "id");
-- create index "studiosession_account_id_studio_id_created_at_id" to table: "studio_sessions"
CREATE INDEX "studiosession_account_id_studio_id_created_at_id" ON "studio_sessions" ("account_id", "studio_id", "created_at", "id");
-- create index "studiosession_account_id_updated_at_id" to table: "studio_sessions"
CREATE INDEX "studiosession_account_id_updated_at_id" ON "studio_sessions" ("account_id", "updated_at", "id");
-- create "submissions" table
CREATE TABLE "submissions" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL DEFAULT 1, "replaces_id" character varying NULL COLLATE "C", "state" character varying NOT NULL DEFAULT 'PENDING' COLLATE "C", "processing_state" character varying NOT NULL DEFAULT 'QUEUED' COLLATE "C", "complete" boolean NOT NULL DEFAULT false, "completed_at" timestamptz NULL, "progress" double precision NOT NULL DEFAULT 0, "progress_step" character varying NOT NULL DEFAULT '' COLLATE "C", "revision_id" character varying NULL COLLATE "C", "complete_revision_id" character varying NULL COLLATE "C", "failure_code" character varying NULL COLLATE "C", "failure_message" character varying NULL COLLATE "C", "quality" jsonb NULL, "warnings" jsonb NULL, "review_reasons" jsonb NULL, "review_note" character varying NULL COLLATE "C", "reviewed_by" character varying NULL COLLATE "C", "reviewed_at" timestamptz NULL, "contact_id" character varying NOT NULL COLLATE "C", "studio_id" character varying NOT NULL COLLATE "C", "studio_session_id" character varying NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "submissions_contacts_submissions" FOREIGN KEY ("contact_id") REFERENCES "contacts" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION, CONSTRAINT "submissions_studio_sessions_submissions" FOREIGN KEY ("studio_session_id") REFERENCES "studio_sessions" ("id") ON UPDATE NO ACTION ON DELETE SET NULL, CONSTRAINT "submissions_studios_submissions" FOREIGN KEY ("studio_id") REFERENCES "studios" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "submission_account_id_complete_created_at_id" to table: "submissions"
CREATE INDEX "submission_account_id_complete_created_at_id" ON "submissions" ("account_id", "complete", "created_at", "id");
-- create index "submission_account_id_completed_at_id" to table: "submissions"
CREATE INDEX "submission_account_id_completed_at_id" ON "submissions" ("account_id", "completed_at", "id");
-- create index "submission_account_id_contact_id_created_at_id" to table: "submissions"
CREATE INDEX "submission_account_id_contact_id_created_at_id" ON "submissions" ("account_id", "contact_id", "created_at", "id");
-- create index "submission_account_id_created_at_id" to table: "submissions"
CREATE INDEX "submission_account_id_created_at_id" ON "submissions" ("account_id", "created_at", "id");
-- create index "submission_account_id_processing_state_created_at_id" to table: "submissions"
CREATE INDEX "submission_account_id_processing_state_created_at_id" ON "submissions" ("account_id", "processing_state", "created_at", "id");
-- create index "submission_account_id_state_created_at_id" to table: "submissions"
CREATE INDEX "submission_account_id_state_created_at_id" ON "submissions" ("account_id", "state", "created_at", "id");
-- create index "submission_account_id_studio_id_created_at_id" to table: "submissions"
CREATE INDEX "submission_account_id_studio_id_created_at_id" ON "submissions" ("account_id", "studio_id", "created_at", "id");
-- create index "submission_account_id_updated_at_id" to table: "submissions"
CREATE INDEX "submission_account_id_updated_at_id" ON "submissions" ("account_id", "updated_at", "id");
-- create index "submission_replaces_id" to table: "submissions"
CREATE INDEX "submission_replaces_id" ON "submissions" ("replaces_id");
-- create index "submission_studio_session_id" to table: "submissions"
CREATE INDEX "submission_studio_session_id" ON "submissions" ("studio_session_id");
-- create "revisions" table
CREATE TABLE "revisions" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL DEFAULT 1, "number" bigint NOT NULL, "processing_state" character varying NOT NULL DEFAULT 'QUEUED' COLLATE "C", "look" jsonb NULL, "look_version" bigint NOT NULL DEFAULT 1, "forbid_many_faces" boolean NOT NULL DEFAULT false, "notify" boolean NOT NULL DEFAULT true, "profile" character varying NOT NULL DEFAULT '' COLLATE "C", "models" jsonb NULL, "steps" jsonb NULL, "quality" jsonb NULL, "failure_code" character varying NULL COLLATE "C", "failure_message" character varying NULL COLLATE "C", "attempts" bigint NOT NULL DEFAULT 0, "started_at" timestamptz NULL, "finished_at" timestamptz NULL, "submission_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "revisions_submissions_revisions" FOREIGN KEY ("submission_id") REFERENCES "submissions" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "revision_account_id_created_at_id" to table: "revisions"
CREATE INDEX "revision_account_id_created_at_id" ON "revisions" ("account_id", "created_at", "id");
-- create index "revision_submission_id_number" to table: "revisions"
CREATE UNIQUE INDEX "revision_submission_id_number" ON "revisions" ("submission_id", "number");
-- create "images" table
CREATE TABLE "images" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "kind" character varying NOT NULL COLLATE "C", "name" character varying NOT NULL COLLATE "C", "width" bigint NOT NULL, "height" bigint NOT NULL, "content_type" character varying NOT NULL COLLATE "C", "bytes" bigint NOT NULL, "sha256" character varying NOT NULL COLLATE "C", "blob_key" character varying NOT NULL COLLATE "C", "revision_id" character varying NULL COLLATE "C", "submission_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "images_revisions_images" FOREIGN KEY ("revision_id") REFERENCES "revisions" ("id") ON UPDATE NO ACTION ON DELETE SET NULL, CONSTRAINT "images_submissions_images" FOREIGN KEY ("submission_id") REFERENCES "submissions" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "image_account_id_created_at_id" to table: "images"
CREATE INDEX "image_account_id_created_at_id" ON "images" ("account_id", "created_at", "id");
-- create index "image_revision_id_kind_name" to table: "images"
CREATE UNIQUE INDEX "image_revision_id_kind_name" ON "images" ("revision_id", "kind", "name");
-- create index "image_submission_id" to table: "images"
CREATE INDEX "image_submission_id" ON "images" ("submission_id");
-- create "lists" table
CREATE TABLE "lists" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL DEFAULT 1, "name" character varying NOT NULL COLLATE "C", "description" character varying NOT NULL DEFAULT '' COLLATE "C", PRIMARY KEY ("id"));
-- create index "list_account_id_created_at_id" to table: "lists"
CREATE INDEX "list_account_id_created_at_id" ON "lists" ("account_id", "created_at", "id");
-- create index "list_account_id_name" to table: "lists"
CREATE UNIQUE INDEX "list_account_id_name" ON "lists" ("account_id", "name");
-- create "list_memberships" table
CREATE TABLE "list_memberships" ("account_id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "contact_id" character varying NOT NULL COLLATE "C", "list_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("contact_id", "list_id"), CONSTRAINT "list_memberships_contacts_contact" FOREIGN KEY ("contact_id") REFERENCES "contacts" ("id") ON UPDATE NO ACTION ON DELETE CASCADE, CONSTRAINT "list_memberships_lists_list" FOREIGN KEY ("list_id") REFERENCES "lists" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "listmembership_account_id_contact_id_list_id" to table: "list_memberships"
CREATE INDEX "listmembership_account_id_contact_id_list_id" ON "list_memberships" ("account_id", "contact_id", "list_id");
-- create index "listmembership_account_id_list_id_contact_id" to table: "list_memberships"
CREATE INDEX "listmembership_account_id_list_id_contact_id" ON "list_memberships" ("account_id", "list_id", "contact_id");
-- create "users" table
CREATE TABLE "users" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "updated_at" timestamptz NOT NULL, "version" bigint NOT NULL DEFAULT 1, "email" character varying NOT NULL COLLATE "C", "name" character varying NOT NULL DEFAULT '' COLLATE "C", "role" character varying NOT NULL DEFAULT 'VIEWER' COLLATE "C", "password_hash" character varying NULL COLLATE "C", "last_login_at" timestamptz NULL, "disabled_at" timestamptz NULL, PRIMARY KEY ("id"));
-- create index "user_account_id_created_at_id" to table: "users"
CREATE INDEX "user_account_id_created_at_id" ON "users" ("account_id", "created_at", "id");
-- create index "users_email_key" to table: "users"
CREATE UNIQUE INDEX "users_email_key" ON "users" ("email");
-- create "portal_sessions" table
CREATE TABLE "portal_sessions" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "token_hash" character varying NOT NULL COLLATE "C", "expires_at" timestamptz NOT NULL, "user_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "portal_sessions_users_portal_sessions" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "portal_sessions_token_hash_key" to table: "portal_sessions"
CREATE UNIQUE INDEX "portal_sessions_token_hash_key" ON "portal_sessions" ("token_hash");
-- create index "portalsession_expires_at" to table: "portal_sessions"
CREATE INDEX "portalsession_expires_at" ON "portal_sessions" ("expires_at");
-- create index "portalsession_user_id" to table: "portal_sessions"
CREATE INDEX "portalsession_user_id" ON "portal_sessions" ("user_id");
-- create "studio_memberships" table
CREATE TABLE "studio_memberships" ("account_id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "contact_id" character varying NOT NULL COLLATE "C", "studio_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("contact_id", "studio_id"), CONSTRAINT "studio_memberships_contacts_contact" FOREIGN KEY ("contact_id") REFERENCES "contacts" ("id") ON UPDATE NO ACTION ON DELETE CASCADE, CONSTRAINT "studio_memberships_studios_studio" FOREIGN KEY ("studio_id") REFERENCES "studios" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "studiomembership_account_id_contact_id_studio_id" to table: "studio_memberships"
CREATE INDEX "studiomembership_account_id_contact_id_studio_id" ON "studio_memberships" ("account_id", "contact_id", "studio_id");
-- create index "studiomembership_account_id_studio_id_contact_id" to table: "studio_memberships"
CREATE INDEX "studiomembership_account_id_studio_id_contact_id" ON "studio_memberships" ("account_id", "studio_id", "contact_id");
-- create "webhook_secrets" table
CREATE TABLE "webhook_secrets" ("id" character varying NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "account_id" character varying NOT NULL COLLATE "C", "ciphertext" bytea NOT NULL, "expires_at" timestamptz NULL, "endpoint_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "webhook_secrets_webhook_endpoints_secrets" FOREIGN KEY ("endpoint_id") REFERENCES "webhook_endpoints" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "webhooksecret_endpoint_id_created_at" to table: "webhook_secrets"
CREATE INDEX "webhooksecret_endpoint_id_created_at" ON "webhook_secrets" ("endpoint_id", "created_at");
