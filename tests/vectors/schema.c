/* SPDX-License-Identifier: BSL-1.0
 * schema.c - a schema as text against the library's table. */
#include "run_vectors.h"

typedef struct {
  const char *at;
  size_t length;
} word;

/* The next word of a line, up to a space; length 0 at the end. */
static word next_word(const char **line) {
  word w = {*line, 0};
  while (*w.at == ' ' || *w.at == '\t') w.at++;
  while (w.at[w.length] != 0 && strchr(" \t\r\n", w.at[w.length]) == NULL) w.length++;
  *line = w.at + w.length;
  return w;
}

static int word_is(word w, const char *text) {
  return w.length == strlen(text) && memcmp(w.at, text, w.length) == 0;
}

static int plain_kind(word type, unsigned *kind) {
  static const struct {
    const char *name;
    unsigned kind;
  } kinds[] = {{"int", SCHAT__TL_INT},       {"long", SCHAT__TL_LONG},    {"double", SCHAT__TL_DOUBLE},
               {"string", SCHAT__TL_STRING}, {"bytes", SCHAT__TL_STRING}, {"Vector<long>", SCHAT__TL_VECTOR_LONG},
               {"#", SCHAT__TL_FLAGS},       {"true", SCHAT__TL_TRUE},    {"Vector<int>", SCHAT__TL_VECTOR_INT}};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    *kind = kinds[i].kind;
    if (word_is(type, kinds[i].name)) return 1;
  }
  return 0;
}

static int type_matches(run *r, word type, const schat__tl_field *field) {
  unsigned kind = 0;
  if (plain_kind(type, &kind)) return field->kind == kind && (kind != SCHAT__TL_STRING || field->is_bytes == word_is(type, "bytes"));
  static const char vector[] = "Vector<";
  const size_t head = sizeof vector - 1;
  if (type.length > head && memcmp(type.at, vector, head) == 0) {
    return field->kind == SCHAT__TL_VECTOR_OBJECT && type_is(r, type.at + head, type.length - head - 1, field->type);
  }
  return field->kind == SCHAT__TL_OBJECT && type_is(r, type.at, type.length, field->type);
}

/* name:type or name:flags.N?type */
static int field_line_matches(run *r, word w, const schat__tl_field *field) {
  const char *colon = memchr(w.at, ':', w.length);
  if (colon == NULL) return 0;
  word name = {w.at, (size_t)(colon - w.at)}, type = {colon + 1, w.length - name.length - 1};
  if (!word_is(name, field->name)) return 0;
  const char *question = memchr(type.at, '?', type.length);
  unsigned long bit = SCHAT__TL_ALWAYS;
  if (question != NULL) {
    static const char flags[] = "flags.";
    if (type.length < sizeof flags || memcmp(type.at, flags, sizeof flags - 1) != 0) return 0;
    bit = strtoul(type.at + sizeof flags - 1, NULL, 10);
    type.length -= (size_t)(question + 1 - type.at);
    type.at = question + 1;
  }
  return field->flag_bit == bit && type_matches(r, type, field);
}

/* The table may know more flags than the file as long as they have no bytes: clients of the cloud set some of them. */
static size_t pass_bare_flags(const schat__tl_constructor *c, size_t at, word w) {
  while (at < c->field_count) {
    const schat__tl_field *field = schat__tl_field_of(c, at);
    size_t length = strlen(field->name);
    int named = w.length > length && w.at[length] == ':' && memcmp(w.at, field->name, length) == 0;
    if (named || field->kind != SCHAT__TL_TRUE || field->flag_bit == SCHAT__TL_ALWAYS) break;
    at++;
  }
  return at;
}

/* name#id field … = Type; */
int case_schema(run *r, const char *line, long layer) {
  word head = next_word(&line);
  const char *hash = memchr(head.at, '#', head.length);
  REQUIRE(hash != NULL && hash - head.at < 100, "the line names no constructor");
  char name[100] = {0};
  memcpy(name, head.at, (size_t)(hash - head.at));
  const schat__tl_constructor *c = schat__tl_find_name(name);
  REQUIRE(c != NULL && strcmp(c->name, name) == 0, "the constructor is not known");
  REQUIRE(c->id == strtoul(hash + 1, NULL, 16), "the constructor has another id");
  REQUIRE(schat__tl_find_id(c->id) == c, "the id names another constructor");
  REQUIRE(layer == 0 || c->layer == layer, "the constructor has another layer");
  size_t count = 0;
  word w = next_word(&line);
  for (; w.length > 0 && !word_is(w, "="); w = next_word(&line)) {
    count = pass_bare_flags(c, count, w);
    REQUIRE(count < c->field_count && field_line_matches(r, w, schat__tl_field_of(c, count)), "a field differs");
    count++;
  }
  REQUIRE(pass_bare_flags(c, count, w) == c->field_count, "the table has more fields");
  w = next_word(&line);
  REQUIRE(w.length > 1 && w.at[w.length - 1] == ';', "the line does not end");
  REQUIRE(type_is(r, w.at, w.length - 1, c->type), "the constructor has another type");
  return 1;
}
