/* The step itself. decode.c includes this once for each kind of processor, with the length of its vectors. */
#include "lanes.h"
#define exponential NAMED(exponential)
#define dot NAMED(dot)
#define rows_of_floats NAMED(rows_of_floats)
#define multiply_floats NAMED(multiply_floats)
#define round_inputs NAMED(round_inputs)
#define row_of_bytes NAMED(row_of_bytes)
#define multiply NAMED(multiply)
#define normalise NAMED(normalise)
#define normalise_rows NAMED(normalise_rows)
#define turn NAMED(turn)
#define store NAMED(store)
#define attend NAMED(attend)
#define activate NAMED(activate)
#define embed NAMED(embed)

/* e^x, to some 1e-7 of it: 2^n by the exponent's bits, the rest by the polynomial of Moshier's Cephes library. */
static inline __attribute__((always_inline)) float exponential(float x) {
    x = fminf(fmaxf(x, -87.0f), 88.0f);
    float whole = floorf(x * 1.44269504f + 0.5f);
    float rest = REST(x, whole);
    int32_t bits = ((int32_t)whole + 127) << 23;
    float power;
    memcpy(&power, &bits, 4);
    return SERIES(rest) * power;
}

static inline __attribute__((always_inline)) float dot(const float *a, const float *b, int64_t length) {
    lanes sum = {0};
    int64_t i = 0;
    for (; i + LANES <= length; i += LANES) sum += *(const lanes *)(a + i) * *(const lanes *)(b + i);
    float found = total(sum);
    for (; i < length; i++) found += a[i] * b[i];
    return found;
}

/* Rows of a matrix times some inputs, some vectors side by side: all three are known where this is inlined. */
static inline __attribute__((always_inline)) void rows_of_floats(
    const Linear *m, int64_t row, int rows, const float *x, int inputs, int vectors, float *out, int64_t stride, int add) {
    const int64_t columns = m->columns;
    const float *weight = m->weight + row * columns;
    lanes sum[MOST_SUMS];
    for (int i = 0; i < rows * inputs * vectors; i++) sum[i] = (lanes){0};
    int64_t k = 0;
    for (; k + vectors * LANES <= columns; k += vectors * LANES)
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                const lanes some = *(const lanes *)(weight + r * columns + k + v * LANES);
#pragma GCC unroll 4
                for (int b = 0; b < inputs; b++)
                    sum[(r * inputs + b) * vectors + v] += some * *(const lanes *)(x + b * columns + k + v * LANES);
            }
    for (int r = 0; r < rows; r++)
        for (int b = 0; b < inputs; b++) {
            lanes *all = sum + (r * inputs + b) * vectors;
            for (int v = 1; v < vectors; v++) all[0] += all[v];
            float found = total(all[0]) + (m->bias ? m->bias[row + r] : 0);
            for (int64_t i = k; i < columns; i++) found += weight[r * columns + i] * x[b * columns + i];
            float *to = out + b * stride + row + r;
            *to = add ? *to + found : found;
        }
}

/* Rows of floats times all inputs. For few inputs a row at a time: memory is read fastest in one stream for each thread. */
static inline __attribute__((always_inline)) void multiply_floats(
    const Linear *m, const float *x, int64_t inputs, float *out, int64_t stride, int add) {
    const int64_t columns = m->columns, group = inputs < MANY ? 1 : 4, groups = (m->rows + group - 1) / group;
#pragma omp for schedule(static)
    for (int64_t g = 0; g < groups; g++) {
        int64_t b = 0;
        if (group == 4 && (g + 1) * 4 <= m->rows)
            for (; b + 2 <= inputs; b += 2)
                rows_of_floats(m, g * 4, 4, x + b * columns, 2, 1, out + b * stride, stride, add);
        const int64_t end = (g + 1) * group < m->rows ? (g + 1) * group : m->rows;
        for (int64_t row = g * group; row < end; row++) {
            int64_t c = b;
            for (; c + 4 <= inputs; c += 4)
                rows_of_floats(m, row, 1, x + c * columns, 4, 2, out + c * stride, stride, add);
            for (; c < inputs; c++) rows_of_floats(m, row, 1, x + c * columns, 1, 4, out + c * stride, stride, add);
        }
    }
}

/* Inputs as whole numbers of 15 bits, each row with a scale: next to the weights' 8 bits nothing is lost. */
static inline __attribute__((always_inline)) void round_inputs(
    const Step *s, const float *x, int64_t inputs, int64_t columns) {
#pragma omp for schedule(static)
    for (int64_t b = 0; b < inputs; b++) {
        const float *from = x + b * columns;
        int16_t *to = s->rounded + b * columns;
        float largest = 1e-30f;
        for (int64_t i = 0; i < columns; i++) largest = fmaxf(largest, fabsf(from[i]));
        const float factor = LARGEST / largest;
        for (int64_t i = 0; i < columns; i++) to[i] = (int16_t)lrintf(from[i] * factor);
        s->scales[b] = largest / LARGEST;
    }
}

/* A row of bytes times one or two inputs; `inputs` is known where this is inlined. */
static inline __attribute__((always_inline)) void row_of_bytes(
    const Linear *m, const Step *s, int64_t row, int64_t first, int inputs, float *out, int64_t stride, int add) {
    const int64_t columns = m->columns;
    const int8_t *weight = m->quantized + row * columns;
    const int16_t *input = s->rounded + first * columns;
    float sum[2] = {0};
    for (int64_t begin = 0; begin < columns; begin += BLOCK) { /* so many products fit into 32 bits */
        const int64_t end = begin + BLOCK < columns ? begin + BLOCK : columns;
        int32_t part[2] = {0};
        for (int64_t k = begin; k < end; k++)
            for (int b = 0; b < inputs; b++) part[b] += weight[k] * input[b * columns + k];
        for (int b = 0; b < inputs; b++) sum[b] += part[b];
    }
    for (int b = 0; b < inputs; b++) {
        float found = sum[b] * m->scale[row] * s->scales[first + b] + (m->bias ? m->bias[row] : 0);
        float *to = out + (first + b) * stride + row;
        *to = add ? *to + found : found;
    }
}

/* out (inputs, rows) = or += x (inputs, columns) times the matrix; each thread has its own rows. */
static inline __attribute__((always_inline)) void multiply(
    const Linear *m, const Step *s, const float *x, int64_t inputs, float *out, int64_t stride, int add) {
    if (m->weight) {
        multiply_floats(m, x, inputs, out, stride, add);
        return;
    }
    round_inputs(s, x, inputs, m->columns);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < m->rows; row++) {
        int64_t b = 0;
        for (; b + 2 <= inputs; b += 2) row_of_bytes(m, s, row, b, 2, out, stride, add);
        for (; b < inputs; b++) row_of_bytes(m, s, row, b, 1, out, stride, add);
    }
}

static inline __attribute__((always_inline)) void normalise(
    const Norm *norm, const float *x, float *out, int64_t size, float epsilon) {
    float mean = 0, square = 0;
    if (norm->bias) {
        for (int64_t i = 0; i < size; i++) mean += x[i];
        mean /= size;
    }
    for (int64_t i = 0; i < size; i++) square += (x[i] - mean) * (x[i] - mean);
    const float factor = 1.0f / sqrtf(square / size + epsilon);
    for (int64_t i = 0; i < size; i++) {
        float found = (x[i] - mean) * factor * norm->weight[i];
        out[i] = norm->bias ? found + norm->bias[i] : found;
    }
}

static inline __attribute__((always_inline)) void normalise_rows(
    const Model *m, const Norm *norm, const float *x, float *out, int64_t rows) {
#pragma omp for schedule(static)
    for (int64_t r = 0; r < rows; r++) normalise(norm, x + r * m->hidden, out + r * m->hidden, m->hidden, m->epsilon);
}

/* A head of a query or a key where it stands: normalised and turned, as the architecture has it. */
static inline __attribute__((always_inline)) void turn(const Model *m, const Norm *norm, float *head, int64_t position) {
    const int64_t size = m->head_dim, half = size / 2;
    if (norm->weight) normalise(norm, head, head, size, m->epsilon);
    if (!m->cosines) return;
    const float *cosines = m->cosines + position * size, *sines = m->sines + position * size;
    for (int64_t i = 0; i < half; i++) {
        float first = head[i], second = head[i + half];
        head[i] = first * cosines[i] + second * sines[i]; /* the first half of the sines is negated */
        head[i + half] = second * cosines[i + half] + first * sines[i + half];
    }
}

/* Queries and keys of all rows are made ready; keys and values go into the cache. */
static inline __attribute__((always_inline)) void store(const Model *m, const Step *s, int64_t l) {
    const Layer *layer = m->layer + l;
    const int64_t rows = s->texts * s->tokens, all = m->heads + 2 * m->kv_heads, size = m->head_dim;
#pragma omp for schedule(static)
    for (int64_t unit = 0; unit < rows * all; unit++) {
        int64_t row = unit / all, head = unit % all, text = row / s->tokens;
        int64_t place = s->past + row % s->tokens, position = place - (s->padding ? s->padding[text] : 0);
        float *from = s->wide + row * all * size + head * size;
        if (position < 0) position = 0;
        if (head < m->heads) {
            turn(m, &layer->queries, from, position);
            continue;
        }
        int64_t kv = head - m->heads, is_value = kv >= m->kv_heads;
        if (is_value) kv -= m->kv_heads;
        else turn(m, &layer->keys, from, position);
        float *to = (is_value ? s->values : s->keys)[l] + ((text * m->kv_heads + kv) * s->room + place) * size;
        memcpy(to, from, size * sizeof(float));
    }
}

static inline __attribute__((always_inline)) void attend(const Model *m, const Step *s, int64_t l) {
    const int64_t rows = s->texts * s->tokens, size = m->head_dim, all = m->heads + 2 * m->kv_heads;
    const float factor = 1.0f / sqrtf((float)size);
#pragma omp for schedule(static)
    for (int64_t unit = 0; unit < rows * m->heads; unit++) {
        int64_t row = unit / m->heads, head = unit % m->heads, text = row / s->tokens;
        int64_t kv = head / (m->heads / m->kv_heads), end = s->past + row % s->tokens + 1;
        int64_t begin = s->padding ? s->padding[text] : 0;
        if (begin >= end) begin = end - 1; /* a padding position sees itself */
        const float *query = s->wide + row * all * size + head * size;
        const float *keys = s->keys[l] + (text * m->kv_heads + kv) * s->room * size;
        const float *values = s->values[l] + (text * m->kv_heads + kv) * s->room * size;
        float *scores = s->scores + omp_get_thread_num() * s->room;
        float largest = -INFINITY, sum = 0;
        for (int64_t p = begin; p < end; p++) {
            scores[p] = dot(query, keys + p * size, size) * factor;
            if (scores[p] > largest) largest = scores[p];
        }
        for (int64_t p = begin; p < end; p++) scores[p] = exponential(scores[p] - largest);
        for (int64_t p = begin; p < end; p++) sum += scores[p];
        float *out = s->mixed + row * m->heads * size + head * size;
        memset(out, 0, size * sizeof(float));
        for (int64_t p = begin; p < end; p++) {
            const float share = scores[p] / sum, *value = values + p * size;
            for (int64_t i = 0; i < size; i++) out[i] += share * value[i];
        }
    }
}

/* The MLP's middle, where it stands: rows of `inner`, which lie `stride` apart. */
static inline __attribute__((always_inline)) void activate(const Model *m, float *wide, int64_t rows, int64_t stride) {
    const int64_t size = m->inner, block = 256, blocks = (size + block - 1) / block;
#pragma omp for schedule(static)
    for (int64_t unit = 0; unit < rows * blocks; unit++) {
        float *x = wide + unit / blocks * stride;
        int64_t begin = unit % blocks * block, end = begin + block < size ? begin + block : size;
        if (m->activation == 0)
            for (int64_t i = begin; i < end; i++) x[i] = x[i] / (1.0f + exponential(-x[i])) * x[size + i];
        else if (m->activation == 1)
            for (int64_t i = begin; i < end; i++) {
                float y = 1.59576912f * (x[i] + 0.044715f * x[i] * x[i] * x[i]); /* 2 sqrt(2 / pi) */
                x[i] = x[i] / (1.0f + exponential(-y));
            }
        else
            for (int64_t i = begin; i < end; i++) x[i] = 0.5f * x[i] * (1.0f + erff(x[i] * 0.70710678f));
    }
}

static inline __attribute__((always_inline)) void embed(const Model *m, const Step *s) {
    const int64_t rows = s->texts * s->tokens, size = m->hidden;
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        memcpy(s->x + row * size, m->embedding + s->token[row] * size, size * sizeof(float));
        if (!m->positions) continue;
        int64_t position = s->past + row % s->tokens - (s->padding ? s->padding[row / s->tokens] : 0);
        const float *learned = m->positions + (position < 0 ? 0 : position) * size;
        for (int64_t i = 0; i < size; i++) s->x[row * size + i] += learned[i];
    }
}

static void NAMED(run)(const Model *m, const Step *s) {
    const int64_t rows = s->texts * s->tokens, hidden = m->hidden;
    embed(m, s);
    for (int64_t l = 0; l < m->layers; l++) {
        const Layer *layer = m->layer + l;
        normalise_rows(m, &layer->before_attention, s->x, s->normed, rows);
        multiply(&layer->qkv, s, s->normed, rows, s->wide, layer->qkv.rows, 0);
        store(m, s, l);
        attend(m, s, l);
        multiply(&layer->output, s, s->mixed, rows, s->x, hidden, 1);
        normalise_rows(m, &layer->before_mlp, s->x, s->normed, rows);
        multiply(&layer->first, s, s->normed, rows, s->wide, layer->first.rows, 0);
        activate(m, s->wide, rows, layer->first.rows);
        if (m->activation == 0) { /* the gate's half of each row: close up, so that rows follow each other */
#pragma omp single
            for (int64_t r = 1; r < rows; r++)
                memmove(s->wide + r * m->inner, s->wide + r * layer->first.rows, m->inner * sizeof(float));
        }
        multiply(&layer->down, s, s->wide, rows, s->x, hidden, 1);
    }
    const int64_t each = s->last ? 1 : s->tokens, outputs = s->texts * each;
#pragma omp for schedule(static)
    for (int64_t i = 0; i < outputs; i++) {
        const float *x = s->x + ((i / each + 1) * s->tokens - each + i % each) * hidden;
        normalise(&m->last, x, s->normed + i * hidden, hidden, m->epsilon);
    }
    multiply(&m->head, s, s->normed, outputs, s->logits, m->head.rows, 0);
}

#undef lanes
#undef total
#undef exponential
#undef dot
#undef rows_of_floats
#undef multiply_floats
#undef round_inputs
#undef row_of_bytes
#undef multiply
#undef normalise_rows
#undef normalise
#undef turn
#undef store
#undef attend
#undef activate
#undef embed
#undef NAMED
#undef LANES
