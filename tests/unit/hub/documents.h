/*
 * JSON in the tests of the hub's pure parts.
 */
#ifndef TESTS_UNIT_HUB_DOCUMENTS_H
#define TESTS_UNIT_HUB_DOCUMENTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>

/* A tree from a text with ' for ". */
json_t *document(const char *text);

/* Compares texts, so the order of members counts. */
void assert_document(const json_t *value, const char *want);

#endif
