/* SPDX-License-Identifier: BSL-1.0
 * traffic.c - two accounts whose messages go from one to the other by hand. */
#include "traffic.h"

#include "measure.h"

#define TEXT 100u

static void *counted_allocate(void *user_data, size_t size) {
  party *p = user_data;
  p->allocations++;
  return malloc(size);
}

static void counted_release(void *user_data, void *memory) {
  (void)user_data;
  free(memory);
}

static schat_manager *open_party(party *p, const schat_store *store, uint32_t rekey_messages) {
  schat_config config;
  schat_policy policy;
  const schat_allocator allocator = {p, counted_allocate, counted_release};
  schat_manager *manager = NULL;
  SCHAT_INIT(policy);
  policy.flags = SCHAT_POLICY_CHAIN_SENDS;
  policy.rekey_messages = rekey_messages != 0 ? rekey_messages : UINT32_MAX;
  policy.rekey_seconds = UINT32_MAX;
  SCHAT_INIT(config);
  config.store = store;
  config.policy = &policy;
  config.allocator = &allocator;
  config.storage_key = pair_storage_key;
  must(schat_open(&config, PAIR_NOW, &manager) == SCHAT_OK, "schat_open");
  return manager;
}

traffic *traffic_new(uint64_t seed, uint32_t rekey_messages) {
  traffic *t = calloc(1, sizeof *t);
  must(t != NULL, "memory");
  pair_begin(&t->accounts, seed);
  t->chat_id = pair_chat(&t->accounts, 0);
  for (int i = 0; i < 4; i++) pair_say(&t->accounts, i % 2, t->chat_id, TEXT);
  for (int i = 0; i < 2; i++) {
    pair_side *side = &t->accounts.sides[i];
    party *p = &t->parties[i];
    schat_close(side->manager);
    p->records = shelf_new(side->store);
    p->manager = side->manager = open_party(p, shelf_store(p->records), rekey_messages);
  }
  pair_settle(&t->accounts);
  for (int i = 0; i < 2; i++) t->parties[i].qts = relay_qts(t->accounts.server, t->accounts.sides[i].device);
  return t;
}

void traffic_free(traffic *t) {
  for (int i = 0; i < 2; i++) {
    t->accounts.sides[i].manager = t->parties[i].manager;
  }
  pair_end(&t->accounts);
  for (int i = 0; i < 2; i++) shelf_free(t->parties[i].records);
  free(t);
}

void traffic_reopen(traffic *t, int who, const schat_store *store) {
  party *p = &t->parties[who];
  schat_close(p->manager);
  p->manager = open_party(p, store, 0);
}

static void keep(uint64_t *tokens, size_t *count, uint64_t token) {
  must(*count < TOKENS_MOST, "answers in time");
  tokens[(*count)++] = token;
}

static void note(party *p, const schat_request *request, letter *out) {
  if (request->type == SCHAT_REQUEST_RECEIVED_QUEUE) {
    keep(p->queued, &p->queued_count, request->token);
    return;
  }
  must(request->type == SCHAT_REQUEST_SEND_ENCRYPTED || request->type == SCHAT_REQUEST_SEND_SERVICE, "nothing but sends");
  must(out != NULL && out->size == 0 && request->data.size <= LETTER_MOST, "one letter");
  keep(p->sent, &p->sent_count, request->token);
  memcpy(out->bytes, request->data.data, request->data.size);
  out->size = request->data.size;
  out->random_id = request->random_id;
}

static size_t hand_over(party *p, letter *out) {
  schat_effect effect;
  size_t messages = 0;
  SCHAT_INIT(effect);
  while (schat_peek(p->manager, &effect) == SCHAT_OK) {
    if (effect.request != NULL) note(p, effect.request, out);
    if (effect.event != NULL) messages += effect.event->type == SCHAT_EVENT_MESSAGE;
    must(schat_pop(p->manager) == SCHAT_OK, "schat_pop");
  }
  return messages;
}

void traffic_send(traffic *t, int who, letter *out) {
  static const uint8_t text[TEXT] = {'t', 'e', 'x', 't'};
  schat_message message;
  schat_message_init(&message);
  message.text.data = text;
  message.text.size = sizeof text;
  out->size = 0;
  must(schat_send(t->parties[who].manager, t->chat_id, &message, NULL, PAIR_NOW, NULL) == SCHAT_OK, "schat_send");
  must(hand_over(&t->parties[who], out) == 0 && out->size > 0, "a letter");
}

static schat_encrypted_message open_letter(const traffic *t, const letter *in) {
  schat_encrypted_message message;
  SCHAT_INIT(message);
  message.chat_id = t->chat_id;
  message.date = (int32_t)(PAIR_NOW / 1000);
  message.random_id = in->random_id;
  message.bytes.data = in->bytes;
  message.bytes.size = in->size;
  SCHAT_INIT(message.file);
  return message;
}

void traffic_take(traffic *t, int who, const letter *in) {
  party *p = &t->parties[who];
  const schat_encrypted_message message = open_letter(t, in);
  must(schat_input_message(p->manager, &message, ++p->qts, PAIR_NOW) == SCHAT_OK, "schat_input_message");
  must(hand_over(p, NULL) == 1, "one message");
}

void traffic_take_all(traffic *t, int who, const letter *in, size_t count) {
  party *p = &t->parties[who];
  schat_encrypted_message *messages = malloc(count * sizeof *messages);
  schat_difference difference;
  must(messages != NULL, "memory");
  for (size_t i = 0; i < count; i++) messages[i] = open_letter(t, &in[i]);
  SCHAT_INIT(difference);
  difference.messages = messages;
  difference.message_count = count;
  difference.qts = p->qts += (int32_t)count;
  difference.date = (int32_t)(PAIR_NOW / 1000);
  must(schat_input_difference(p->manager, &difference, PAIR_NOW) == SCHAT_OK, "schat_input_difference");
  must(hand_over(p, NULL) == count, "all messages");
  free(messages);
}

void traffic_answer(traffic *t, int who) {
  party *p = &t->parties[who];
  schat_answer answer;
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_SENT;
  answer.date = (int32_t)(PAIR_NOW / 1000);
  for (size_t i = 0; i < p->sent_count; i++) must(schat_request_done(p->manager, p->sent[i], &answer, PAIR_NOW) == SCHAT_OK, "an answer");
  answer.type = SCHAT_ANSWER_DONE;
  for (size_t i = 0; i < p->queued_count; i++)
    must(schat_request_done(p->manager, p->queued[i], &answer, PAIR_NOW) == SCHAT_OK, "an answer");
  p->sent_count = p->queued_count = 0;
  (void)hand_over(p, NULL);
}

void traffic_confirm(traffic *t, int who) {
  letter in;
  traffic_send(t, 1 - who, &in);
  traffic_answer(t, 1 - who);
  traffic_take(t, who, &in);
  traffic_answer(t, who);
}
