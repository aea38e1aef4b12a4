/* Which texts were in a batch before: a table that several processes share without waiting for each other. */
#include <stdint.h>

typedef struct {
    uint64_t high, low, batch; /* of a text: its digest, and the first batch that has it, as far as is known */
    uint64_t check;            /* of these three: another one where two processes wrote at once */
} Seen;

static uint64_t check_of(uint64_t high, uint64_t low, uint64_t batch) {
    uint64_t sum = (high ^ low * 0x9E3779B97F4A7C15ull) + (batch + 1) * 0xD6E8FEB86659FD93ull;
    return sum ^ sum >> 29;
}

/* table: `places` of them, a power of two, of which those that are zero are free; a text takes the place of another. high
 * and low: digests of the texts of this batch, in order. before: (texts), 1 for a text that is in an earlier batch or
 * earlier in this one, as far as the table knows. */
void newleaf_seen(Seen *table, int64_t places, const uint64_t *high, const uint64_t *low, int64_t texts, uint64_t batch,
                  uint8_t *before) {
    for (int64_t text = 0; text < texts; text++) {
        volatile Seen *place = table + (high[text] & (uint64_t)(places - 1));
        Seen found = {place->high, place->low, place->batch, place->check};
        before[text] = found.high == high[text] && found.low == low[text] && found.batch <= batch &&
                       found.check == check_of(found.high, found.low, found.batch);
        if (!before[text]) {
            place->high = high[text];
            place->low = low[text];
            place->batch = batch;
            place->check = check_of(high[text], low[text], batch);
        }
    }
}
