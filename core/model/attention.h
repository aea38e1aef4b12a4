/* Causal attention and its gradients: what attend in gpt.py does. training.c includes this once for each kind of processor.
 *
 * A head of a small model is so short that its keys, its values and some rows of its scores stay in the cache. So the
 * scores of some rows are made whole, used and forgotten, and only what a row may see is computed, but for the last
 * block. Of the forward pass the output and a number for each row are kept (as in Dao et al. 2022, arXiv:2205.14135). */
#define head_of NAMED(head_of)
#define fetch NAMED(fetch)
#define gather NAMED(gather)
#define scatter NAMED(scatter)
#define panels NAMED(panels)
#define slope NAMED(slope)
#define forward NAMED(forward)
#define backward NAMED(backward)

INLINE float *head_of(const Heads *heads, int64_t text, int64_t head) {
    return heads->at + text * heads->text + head * heads->head;
}

/* What will be read soon: a processor does not foresee rows that lie so far apart. */
INLINE void fetch(const float *x, int64_t size) {
    for (int64_t j = 0; j < size; j += 16) __builtin_prefetch(x + j);
}

/* The head's tokens (T, D), one behind the other. */
INLINE void gather(const Heads *from, int64_t text, int64_t head, int64_t length, int64_t size, float *to) {
    const float *x = head_of(from, text, head);
    for (int64_t i = 0; i < length; i++) {
        fetch(x + (i + AHEAD) * from->token, size);
        memcpy(to + i * size, x + i * from->token, size * sizeof *to);
    }
}

INLINE void scatter(const Heads *to, int64_t text, int64_t head, int64_t length, int64_t size, const float *from) {
    float *x = head_of(to, text, head);
    for (int64_t i = 0; i < length; i++) memcpy(x + i * to->token, from + i * size, size * sizeof *from);
}

/* The same on its side, in panels (T / PANEL, D, PANEL); the last is filled up with zeros. */
INLINE void panels(const Heads *from, int64_t text, int64_t head, int64_t length, int64_t size, float *to) {
    const float *x = head_of(from, text, head);
    EACH_PANEL(begin, columns, length) {
        float *panel = to + begin * size;
        for (int64_t i = 0; i < columns; i += 4) {
            const float *rows = x + (begin + i) * from->token;
            for (int64_t k = 0; k < 4; k++) fetch(rows + (k + AHEAD) * from->token, size);
            turned(columns - i < 4 ? columns - i : 4, size, rows, from->token, panel + i, PANEL);
        }
        for (int64_t j = 0; j < size; j++) memset(panel + j * PANEL + columns, 0, (PANEL - columns) * sizeof *to);
    }
}

/* Scores of a row become probabilities again, and the slopes of those become the slopes of the scores. */
INLINE void slope(float *row, float *slopes, int64_t wide, int64_t seen, float scale, float sum, float mean) {
    for (int64_t j = 0; j < wide; j += LANES) {
        lanes *some = (lanes *)(row + j), *its = (lanes *)(slopes + j);
        const numbers chosen = below(j, seen);
        *some = (lanes)((numbers)exponential(*some * scale - sum) & chosen);
        *its = (lanes)((numbers)(*some * (*its - mean) * scale) & chosen);
    }
}

/* A key-value head of a text and all heads that share it. */
static void forward(const Attention *a, int64_t text, int64_t kv_head, float *scratch) {
    const int64_t length = a->length, size = a->size, W = row_of(length), group = a->heads / a->kv_heads;
    const float scale = 1 / sqrtf((float)size);
    float *keys = scratch, *values = keys + size * W, *queries = values + size * W, *mixed = queries + size * W;
    float *scores = mixed + size * W;
    panels(&a->keys, text, kv_head, length, size, keys);
    gather(&a->values, text, kv_head, length, size, values);
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
        gather(&a->queries, text, head, length, size, queries);
        float *sums = a->sums + (text * a->heads + head) * length;
        EACH_BLOCK(begin, rows, length) {
            const int64_t seen = begin + rows, wide = (seen + LANES - 1) / LANES * LANES;
            EACH_PANEL(c, columns, wide)
                product(rows, columns, size, queries + begin * size, size, 1, keys + c * size, PANEL, scores + c, W, 0);
            for (int64_t i = 0; i < rows; i++)
                sums[begin + i] = softmax(scores + i * W, wide, begin + i + 1, scale);
            EACH_PANEL(c, columns, seen)
                product(rows, size, columns, scores + c, W, 1, values + c * size, size, mixed + begin * size, size, c > 0);
        }
        scatter(&a->mixed, text, head, length, size, mixed);
    }
}

static void backward(const Attention *a, int64_t text, int64_t kv_head, float *scratch) {
    const int64_t length = a->length, size = a->size, W = row_of(length), group = a->heads / a->kv_heads;
    const float scale = 1 / sqrtf((float)size);
    float *keys = scratch, *key_panels = keys + size * W, *value_panels = key_panels + size * W;
    float *queries = value_panels + size * W, *slopes = queries + size * W;
    float *to_keys = slopes + size * W, *to_values = to_keys + size * W;
    float *scores = to_values + size * W, *to_scores = scores + BLOCK * W;
    gather(&a->keys, text, kv_head, length, size, keys);
    panels(&a->keys, text, kv_head, length, size, key_panels);
    panels(&a->values, text, kv_head, length, size, value_panels);
    memset(to_keys, 0, length * size * sizeof *to_keys);
    memset(to_values, 0, length * size * sizeof *to_values);
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
        gather(&a->queries, text, head, length, size, queries);
        gather(&a->slopes, text, head, length, size, slopes);
        const float *sums = a->sums + (text * a->heads + head) * length;
        const float *mixed = head_of(&a->mixed, text, head);
        float *to_queries = head_of(&a->to_queries, text, head);
        EACH_BLOCK(begin, rows, length) {
            const int64_t seen = begin + rows, wide = (seen + LANES - 1) / LANES * LANES;
            const float *query = queries + begin * size, *its = slopes + begin * size;
            for (int64_t i = 0; i < rows; i++) fetch(mixed + (begin + i) * a->mixed.token, size);
            EACH_PANEL(c, columns, wide) {
                product(rows, columns, size, query, size, 1, key_panels + c * size, PANEL, scores + c, W, 0);
                product(rows, columns, size, its, size, 1, value_panels + c * size, PANEL, to_scores + c, W, 0);
            }
            for (int64_t i = 0; i < rows; i++) {
                const float *out = mixed + (begin + i) * a->mixed.token;
                lanes mean = {0};
                for (int64_t j = 0; j < size; j += LANES)
                    mean += *(const lanes *)(its + i * size + j) * *(const lanes *)(out + j);
                slope(scores + i * W, to_scores + i * W, wide, begin + i + 1, scale, sums[begin + i], total(mean));
            }
            EACH_PANEL(c, columns, seen) {
                product(
                    rows, size, columns, to_scores + c, W, 1, keys + c * size, size,
                    to_queries + begin * a->to_queries.token, a->to_queries.token, c > 0);
                product(columns, size, rows, scores + c, 1, W, its, size, to_values + c * size, size, 1);
                product(columns, size, rows, to_scores + c, 1, W, query, size, to_keys + c * size, size, 1);
            }
        }
    }
    scatter(&a->to_keys, text, kv_head, length, size, to_keys);
    scatter(&a->to_values, text, kv_head, length, size, to_values);
}
