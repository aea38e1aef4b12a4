/* Texts that lie here and there, put one after the other. */
#include <stdint.h>
#include <string.h>

/* data: text number n is from starts[n] to ends[n]. packed: filled; offsets: (texts + 1), where each begins in it, and
 * where the last ends. */
void newleaf_pack(const uint8_t *data, const int64_t *starts, const int64_t *ends, int64_t texts, uint8_t *packed,
                  int64_t *offsets) {
    int64_t at = 0;
    for (int64_t text = 0; text < texts; text++) {
        offsets[text] = at;
        memcpy(packed + at, data + starts[text], (size_t)(ends[text] - starts[text]));
        at += ends[text] - starts[text];
    }
    offsets[texts] = at;
}
