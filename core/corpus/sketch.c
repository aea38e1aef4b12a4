/* The sketches of texts, as sketches.py explains them, number for number the same; an order of magnitude faster.
 *
 * numpy passes over all grams of many texts a dozen times a round; here a text is done at once, and stays in the cache.
 */
#include <stdint.h>
#include <stdlib.h>
#include "utf8.h"

/* Compiled for several kinds of processors, of which the one that is there is taken when the library is loaded. */
#if defined(__x86_64__) && defined(__GLIBC__) && __GNUC__ >= 12 && !defined(__clang__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

#define EMPTY 0xFFFFFFFFu
#define SPACE 0x20u
#define GRAM 5
#define BASE 0x9E3779B97F4A7C15ull
#define FIRST_MIXER 0xD6E8FEB86659FD93ull
#define SECOND_MIXER 0xA0761D6478BD642Full

static inline uint64_t mixed(uint64_t gram, uint64_t number) {
    uint64_t hash = gram + (number + 1) * BASE;
    hash = (hash ^ hash >> 32) * FIRST_MIXER;
    hash = (hash ^ hash >> 32) * SECOND_MIXER;
    return hash ^ hash >> 32;
}

static inline uint32_t value(uint64_t hash) { return (uint32_t)hash >> 1; }

FOR_EACH_PROCESSOR static void hash_grams(const uint32_t *kept, int64_t windows, uint64_t *grams) {
    for (int64_t place = 0; place < windows; place++) {
        uint64_t hash = kept[place];
        for (int next = 1; next < GRAM; next++)
            hash = hash * BASE + kept[place + next];
        grams[place] = hash;
    }
}

/* The hashes of the grams of one text, behind which a line end counts as one; how many, or 0 where it is nothing but
 * spaces and punctuation. */
static int64_t grams_of(const uint8_t *at, const uint8_t *end, const uint32_t *normal, uint64_t *grams, uint32_t *kept) {
    int64_t count = 0;
    int after_letter = 0;
    while (at < end) {
        uint32_t code = normal[next_code_point(&at)];
        int letter = code != SPACE;
        kept[count] = code;
        count += letter | after_letter; /* of a run of spaces the first one stays */
        after_letter = letter;
    }
    kept[count] = SPACE;
    count += after_letter;
    if (count == 0)
        return 0;
    for (int64_t place = count; place < GRAM; place++)
        kept[place] = 0;
    int64_t windows = count < GRAM ? 1 : count - GRAM + 1;
    hash_grams(kept, windows, grams);
    return windows;
}

#define BLOCK 512
FOR_EACH_PROCESSOR static void mix_all(const uint64_t *grams, int64_t count, uint64_t number, uint64_t *hashes) {
    for (int64_t place = 0; place < count; place++)
        hashes[place] = mixed(grams[place], number);
}

FOR_EACH_PROCESSOR static uint32_t least_of_all(const uint64_t *grams, int64_t count, uint64_t number) {
    uint32_t found = EMPTY;
    for (int64_t place = 0; place < count; place++) {
        uint32_t new = value(mixed(grams[place], number));
        found = new < found ? new : found;
    }
    return found;
}

/* A bin holds the round that reached it first, above the least hash of that round: the least of both is what counts. */
#define NONE UINT64_MAX

static void sketch_of(const uint64_t *grams, int64_t count, int64_t size, int64_t spreading, uint32_t *bins, uint64_t *least) {
    int64_t filled = 0;
    for (int64_t bin = 0; bin < size; bin++)
        least[bin] = NONE;
    for (int64_t round = 0; round < spreading && filled < size; round++)
        for (int64_t begin = 0; begin < count; begin += BLOCK) {
            int64_t block = count - begin < BLOCK ? count - begin : BLOCK;
            uint64_t hashes[BLOCK];
            mix_all(grams + begin, block, (uint64_t)round, hashes);
            for (int64_t place = 0; place < block; place++) {
                uint64_t hash = hashes[place];
                uint64_t *bin = least + ((hash >> 32) * (uint64_t)size >> 32);
                uint64_t new = (uint64_t)round << 32 | value(hash), old = *bin;
                filled += old == NONE;
                *bin = new < old ? new : old;
            }
        }
    for (int64_t bin = 0; bin < size; bin++) {
        uint32_t found = (uint32_t)least[bin];
        if (least[bin] == NONE)
            found = least_of_all(grams, count, (uint64_t)(spreading + bin));
        bins[bin] = found;
    }
}

/* data: UTF-8, in which text number n is from starts[n] to ends[n]. sketches: (texts, size), filled; done: (texts), 0
 * for a text without a letter, whose sketch is left alone. Returns 0, or 1 where there is no memory. */
int newleaf_sketch(const uint8_t *data, const int64_t *starts, const int64_t *ends, int64_t texts, const uint32_t *normal,
                   int64_t size, int64_t spreading, uint32_t *sketches, uint8_t *done) {
    int64_t longest = GRAM;
    for (int64_t text = 0; text < texts; text++)
        longest = ends[text] - starts[text] > longest ? ends[text] - starts[text] : longest;
    uint64_t *grams = malloc((size_t)(longest + 1) * sizeof *grams);
    uint32_t *kept = malloc((size_t)(longest + 2) * sizeof *kept);
    uint64_t *least = malloc((size_t)size * sizeof *least);
    int failed = !grams || !kept || !least;
    for (int64_t text = 0; text < texts && !failed; text++) {
        int64_t count = grams_of(data + starts[text], data + ends[text], normal, grams, kept);
        done[text] = count > 0;
        if (count)
            sketch_of(grams, count, size, spreading, sketches + text * size, least);
    }
    free(grams);
    free(kept);
    free(least);
    return failed;
}
