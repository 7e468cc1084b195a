/*
 * What one test has around it: a folder of its own, and the processes it started.
 *
 * A test is run with scene_setup and scene_teardown as its cmocka fixtures, and its state is
 * the scene.  The teardown also runs after a failed check: it ends what still runs, looks at
 * how it ended, and removes the folder.  Nothing outlives the test program, even when that is
 * killed.
 */
#ifndef E2E_SCENE_H
#define E2E_SCENE_H

#include <stdbool.h>
#include <stdint.h>

/* How long anything may take that should happen at once; generous, for busy machines. */
#define SCENE_DEADLINE_MS 30000

#define SCENE_PATH_SIZE 256

struct process;

struct scene {
    char folder[SCENE_PATH_SIZE / 2];
    struct process *processes; /* all that were started, the latest first; owned */
};

int scene_setup(void **state);
int scene_teardown(void **state);

/* "folder/name". */
void scene_path(const struct scene *scene, const char *name, char out[SCENE_PATH_SIZE]);

/* A new file in the folder. */
void scene_write(const struct scene *scene, const char *name, const char *text);

bool scene_has(const struct scene *scene, const char *name);

/* Monotonic. */
int64_t scene_now_ms(void);

/*
 * Take what the processes print until something came or the moment is there.
 * @return false when the moment was there first.
 */
bool scene_turn(struct scene *scene, int64_t until_ms);

/* cmocka's unit test with the two fixtures. */
#define SCENE_TEST(function) \
    cmocka_unit_test_setup_teardown(function, scene_setup, scene_teardown)

#endif
