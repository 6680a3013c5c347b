/* SPDX-License-Identifier: BSL-1.0
 * scenarios_messages.c - messages and files, both ways. */
#include <stdlib.h>
#include <string.h>

#include "applog.h"
#include "memory.h"
#include "steps.h"

/* Texts -------------------------------------------------------------------------------------------------------------------------- */

static void one(bench *b) {
  we_say(b, "one", SCHAT_TTL_OF_CHAT);
  bench_settle(b);
}

static void a_timer(bench *b) {
  we_set_timer(b, 60, "timer");
  bench_settle(b);
}

static void two_and_three(bench *b) {
  we_say(b, "two", SCHAT_TTL_OF_CHAT);
  we_say(b, "three", 0);
  await_heard(b, "three");
}

static void peer_answers(bench *b) {
  peer_says(b, "four", 30000);
  peer_says(b, "five", 0);
  await_message(b, "five");
}

static void read_them(bench *b) {
  we_read(b, date_now(b));
  bench_settle(b);
}

static int call_typing(bench *b, void *arg) {
  (void)arg;
  return schat_typing(b->m, b->chat, 1, b->w->now);
}

static void screenshot_and_typing(bench *b) {
  we_shoot(b, "two");
  attempt(b, call_typing, NULL);
  bench_settle(b);
}

static void peer_sets_timer(bench *b) {
  if (bench_once(b, 0)) schat_chat_set_ttl(b->w->peers[1].manager, b->chat, 5000, 0, b->w->now);
  bench_settle(b);
}

/* The server takes it for good reasons not (D-08). */
static void refused(bench *b) {
  b->refused_id = id_of("refused");
  we_say(b, "refused", 0);
  bench_settle(b);
}

static void last_words(bench *b) {
  we_say(b, "our last", 0);
  await_heard(b, "our last");
  peer_says(b, "their last", 0);
  await_message(b, "their last");
}

/* Files -------------------------------------------------------------------------------------------------------------------------- */

#define CONTENT 1001u /* not a multiple of 16 */

typedef struct {
  uint8_t key[32], iv[32], cipher[1024];
  size_t size;
  schat_input_file input;
  schat_encrypted_file received;
} upload;

static int fill(void *user_data, uint8_t *out, size_t size) {
  bench *b = user_data;
  const fault_mode mode = bench_site(b, SITE_RANDOM);
  if (mode == MODE_ONCE || mode == MODE_FOR_EVER) return -1;
  memset(out, 0x42, size);
  bench_crash_after(b, mode);
  return 0;
}

static void content_of_file(uint8_t *content) {
  size_t i;
  for (i = 0; i < CONTENT; i++) content[i] = (uint8_t)(i * 7);
}

static int call_encrypt(bench *b, void *arg) {
  upload *u = arg;
  uint8_t content[CONTENT];
  schat_file *file = NULL;
  const size_t live = memory_live();
  int status = schat_file_generate(fill, b, u->key, u->iv);
  content_of_file(content);
  if (status == SCHAT_OK) status = schat_file_encrypt_begin(memory_allocator(), u->key, u->iv, CONTENT, fill, b, &file);
  if (status == SCHAT_OK) status = schat_file_update(file, content, sizeof content, u->cipher, &u->size);
  if (status == SCHAT_OK) status = schat_file_fingerprint(u->key, u->iv, &u->input.key_fingerprint);
  schat_file_free(file);
  MUST(memory_live() == live, "a file is not given back");
  return status;
}

static upload *upload_of(bench *b) {
  if (b->scratch == NULL) b->scratch = calloc(1, sizeof(upload));
  if (b->scratch == NULL) abort();
  return b->scratch;
}

/* The application keeps key and IV with its upload before it sends. */
static void we_upload(bench *b) {
  upload *u = upload_of(b);
  schat_bytes part;
  attempt(b, call_encrypt, u);
  part.data = u->cipher;
  part.size = u->size;
  relay_upload_part(b->w->relay, b->w->peers[0].device, 4711, 0, part);
  u->input.type = SCHAT_INPUT_FILE_UPLOADED;
  u->input.id = 4711;
  u->input.parts = 1;
}

static void describe(const upload *u, schat_message *message, const char *caption) {
  schat_message_init(message);
  message->media.type = SCHAT_MEDIA_DOCUMENT;
  message->media.size = CONTENT;
  message->media.key.data = u->key;
  message->media.key.size = sizeof u->key;
  message->media.iv.data = u->iv;
  message->media.iv.size = sizeof u->iv;
  message->text.data = (const uint8_t *)caption;
  message->text.size = strlen(caption);
}

static int call_send_file(bench *b, void *arg) {
  const upload *u = arg;
  schat_message message;
  describe(u, &message, "a file");
  message.random_id = id_of("a file");
  bench_name(b, message.random_id, "a file");
  return schat_send(b->m, b->chat, &message, &u->input, b->w->now, NULL);
}

static void we_send_file(bench *b) {
  if (!was_sent(b, "a file")) attempt(b, call_send_file, upload_of(b));
  await_heard(b, "a file");
}

/* The peer sends the same bytes back, from its own desk. */
static void peer_sends_file(bench *b) {
  upload *u = upload_of(b);
  schat_message message;
  schat_bytes part = {u->cipher, u->size};
  int64_t id = 0;
  if (bench_once(b, 0)) {
    relay_upload_part(b->w->relay, b->w->peers[1].device, 4712, 0, part);
    u->input.id = 4712;
    describe(u, &message, "their file");
    MUST(schat_send(b->w->peers[1].manager, b->chat, &message, &u->input, b->w->now, &id) >= 0, "the peer cannot send a file");
    bench_name(b, id, "their file");
  }
  await_message(b, "their file");
}

static int call_decrypt(bench *b, void *arg) {
  upload *u = arg;
  uint8_t content[CONTENT], plain[1024];
  schat_encrypted_file file;
  schat_file *stream = NULL;
  size_t written = 0;
  const size_t live = memory_live();
  int status;
  (void)b;
  memset(&file, 0, sizeof file);
  file.size = (int64_t)u->size;
  status = schat_file_fingerprint(u->key, u->iv, &file.key_fingerprint);
  content_of_file(content);
  if (status == SCHAT_OK) status = schat_file_decrypt_begin(memory_allocator(), u->key, u->iv, CONTENT, &file, &stream);
  if (status == SCHAT_OK) status = schat_file_update(stream, u->cipher, u->size, plain, &written);
  schat_file_free(stream);
  MUST(memory_live() == live, "a file is not given back");
  if (status == SCHAT_OK) MUST(written == CONTENT && memcmp(plain, content, CONTENT) == 0, "a file is not what was sent");
  return status;
}

static void we_read_file(bench *b) { attempt(b, call_decrypt, upload_of(b)); }

static void prepare_exactly_once(bench *b) {
  b->policy.flags |= SCHAT_POLICY_EVENTS_IN_COMMIT;
  prepare_chat(b);
}

const scenario scenarios_messages[] = {
    {"sending_and_receiving", prepare_chat,
     {one, a_timer, two_and_three, peer_answers, read_them, screenshot_and_typing, peer_sets_timer, refused, last_words}},
    {"files", prepare_chat_of_peer, {we_upload, we_send_file, peer_sends_file, we_read_file, last_words}},
    {"events_in_the_commit", prepare_exactly_once, {one, two_and_three, peer_answers, peer_sets_timer, refused, last_words}},
    {NULL, NULL, {NULL}},
};
