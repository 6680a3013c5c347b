/* SPDX-License-Identifier: BSL-1.0
 * poison.h - what is secret counts as undefined for memcheck, which follows every bit of it and reports each branch and each address
 * that depends on one. */
#ifndef TESTS_CT_POISON_H
#define TESTS_CT_POISON_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"

void make_secret(const void *p, size_t size);
void make_public(const void *p, size_t size);
/* 1 when every byte has a bit that is not public: the secrets went all the way through. */
int is_secret(const void *p, size_t size);
int is_public(const void *p, size_t size);
/* Reports so far, suppressed ones not counted. */
unsigned reports(void);

/* Bytes that follow from nothing but the calls before. */
void fill(void *p, size_t size);
void fill_secret(void *p, size_t size);
/* A schat_random_fn whose bytes are secret. */
int secret_random(void *user_data, uint8_t *out, size_t size);

/* Ends the program, which then has shown nothing: what should have worked has not. */
#define NEED(condition) need(condition, #condition, __FILE__, __LINE__)
void need(int condition, const char *text, const char *file, int line);

#endif
