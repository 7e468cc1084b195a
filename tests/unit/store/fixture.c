/*
 * Folders and stores for the store's tests.
 */
#include "unit/store/fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

int fixture_folder(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    const char *base = getenv("TMPDIR");
    (void)snprintf(f->folder, sizeof(f->folder), "%s/store-test-XXXXXX",
                   base == NULL ? "/tmp" : base);
    if (mkdtemp(f->folder) == NULL) {
        free(f);
        return -1;
    }
    (void)snprintf(f->path, sizeof(f->path), "%s/hub.db", f->folder);
    *state = f;
    return 0;
}

int fixture_file(void **state)
{
    if (fixture_folder(state) != 0) {
        return -1;
    }
    struct fixture *f = *state;
    f->store = open_store(f->path);
    return 0;
}

int fixture_memory(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    f->store = open_store(NULL);
    *state = f;
    return 0;
}

static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return;
    }
    struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) {
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    closedir(dir);
    (void)rmdir(folder);
}

int fixture_end(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    if (f->folder[0] != '\0') {
        remove_folder(f->folder);
    }
    free(f);
    return 0;
}

void fixture_close(struct fixture *f)
{
    store_close(f->store);
    f->store = NULL;
}

void fixture_reopen(struct fixture *f)
{
    fixture_close(f);
    f->store = open_store(f->path);
}

static void show_error(struct buf *error)
{
    if (error->len > 0) {
        print_error("%s\n", buf_text(error));
    }
    buf_finish(error);
}

struct store *open_store(const char *path)
{
    struct buf error = {.cap = 500};
    struct store *store = NULL;
    int rc = store_open(path, &error, &store);
    show_error(&error);
    assert_int_equal(rc, 0);
    assert_non_null(store);
    return store;
}

struct store *open_reader(const char *path)
{
    struct buf error = {.cap = 500};
    struct store *store = NULL;
    int rc = store_open_readonly(path, &error, &store);
    show_error(&error);
    assert_int_equal(rc, 0);
    assert_non_null(store);
    return store;
}

static void keep_sentence(struct buf *error, char text[512])
{
    assert_false(error->failed);
    (void)snprintf(text, 512, "%s", buf_text(error));
    buf_finish(error);
}

int refused(const char *path, char text[512])
{
    struct buf error = {.cap = 500};
    struct store *store = NULL;
    int rc = store_open(path, &error, &store);
    assert_int_not_equal(rc, 0);
    assert_null(store);
    keep_sentence(&error, text);
    return rc;
}

int refused_to_read(const char *path, char text[512])
{
    struct buf error = {.cap = 500};
    struct store *store = NULL;
    int rc = store_open_readonly(path, &error, &store);
    assert_int_not_equal(rc, 0);
    assert_null(store);
    keep_sentence(&error, text);
    return rc;
}

struct store_identity record_of(const char *device_id, const char *module_id)
{
    struct store_identity record = {.is_enabled = true, .auth = AUTH_SAS};
    (void)snprintf(record.device_id, sizeof(record.device_id), "%s", device_id);
    (void)snprintf(record.module_id, sizeof(record.module_id), "%s", module_id);
    return record;
}

struct identity id_of(const char *device_id, const char *module_id)
{
    return (struct identity){slice_of(device_id), slice_of(module_id)};
}

int64_t add(struct store *store, const char *device_id, const char *module_id)
{
    struct store_identity record = record_of(device_id, module_id);
    assert_int_equal(store_identity_insert(store, &record), 0);
    struct store_twin twin = {.seq = record.seq, .etag = 1};
    assert_int_equal(store_twin_insert(store, &twin), 0);
    return record.seq;
}

bool has(struct store *store, const char *device_id, const char *module_id)
{
    struct store_identity record;
    int rc = store_identity_get(store, id_of(device_id, module_id), &record);
    assert_true(rc == 0 || rc == STORE_NO_ROW);
    return rc == 0;
}

void assert_slice(struct slice got, const char *want)
{
    assert_non_null(got.data);
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.data, want, got.len);
}
