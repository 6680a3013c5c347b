/* SPDX-License-Identifier: BSL-1.0
 * negative_tl.c - bytes that are, or only resemble, one object of a type. */
#include "run_vectors.h"
#include "tl/model.h"

/* The number of a type by the name of one of its constructors. */
static int type_of(run *r, const json_t *c, unsigned *type) {
  const schat__tl_constructor *constructor = schat__tl_find_name(text_field(c, "constructor"));
  const char *name = text_field(c, "type");
  if (constructor == NULL || !type_is(r, name, strlen(name), constructor->type)) return 0;
  *type = constructor->type;
  return 1;
}

/* Reading for the public model must judge as the reader of the table does. */
static int as_message(run *r, schat_bytes bytes) {
  schat_message message;
  schat__action action;
  SCHAT_INIT(message);
  return schat__message_decode(&r->arena, bytes, &message, &action) == SCHAT_OK;
}

int case_negative_tl(run *r, const json_t *c) {
  const char *verdict = text_field(c, "verdict");
  const int good = strcmp(verdict, "accept") == 0;
  unsigned type = 0;
  schat_bytes bytes = {NULL, 0};
  schat__tl_object *object = NULL;
  size_t used = 0, skipped = 0;
  REQUIRE(good || strcmp(verdict, "refuse") == 0, "a verdict that is not known");
  REQUIRE(hex_field(r, c, "bytes", &bytes) && type_of(r, c, &type), "a field is missing, or names nothing that is known");
  int decoded = schat__tl_decode(&r->arena, type, bytes.data, bytes.size, &object, &used);
  int passed = schat__tl_skip(type, bytes.data, bytes.size, &skipped);
  REQUIRE(decoded == SCHAT_OK || decoded == SCHAT_E_MALFORMED, "decoding fails for a reason of its own");
  REQUIRE(decoded == passed && used == skipped, "decoding and skipping judge differently");
  int lawful = decoded == SCHAT_OK && used == bytes.size;
  REQUIRE(lawful == good, good ? "a lawful object is refused" : "it is accepted");
  if (type == SCHAT__TYPE_DecryptedMessage) REQUIRE(as_message(r, bytes) == good, "the reader of messages judges differently");
  return 1;
}
