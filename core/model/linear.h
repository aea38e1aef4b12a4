/* Products of large matrices: what the linear maps of many tokens are, and their gradients. training.c includes this
 * once for each kind of processor.
 *
 * The right side is copied once, in panels as wide as a tile of sums in registers; of the left side a block of rows and
 * a depth at a time, so that it stays in the second cache and a panel in the first (Goto and van de Geijn 2008,
 * doi:10.1145/1356052.1356053). Threads take blocks as they come: none waits for one whose core is shared.
 *
 * Of products behind each other that share their left side, or that add up to one matrix, a block is done for all at
 * once: of what is shared it is copied once, and what adds up is still in the cache. */

#define tile_of NAMED(tile_of)
#define half_tile_of NAMED(half_tile_of)
#define copy NAMED(copy)
#define copy_right NAMED(copy_right)
#define copy_left NAMED(copy_left)
#define panels_of NAMED(panels_of)
#define copy_size NAMED(copy_size)
#define part_of NAMED(part_of)
#define same NAMED(same)
#define deep_at NAMED(deep_at)
#define same_right NAMED(same_right)
#define copy_of NAMED(copy_of)
#define copy_rights NAMED(copy_rights)
#define block_of NAMED(block_of)
#define linear_room NAMED(linear_room)
#define linear NAMED(linear)

#define WIDE (VECTORS * LANES)       /* columns of a tile */
#define DEEP 512                     /* at most, of what is copied at once */
#define PART 16                      /* of it, so that what is read stays in the first cache */
#define HIGH (LANES == 16 ? 64 : 96) /* rows of a block at most, and */
#define LOW 24                       /* at least: whole tiles */

/* Sums of ROWS rows and WIDE columns, or half as many, of what was copied. */
static __attribute__((noinline)) void tile_of(
    int64_t depth, const float *left, const float *right, float *out, int64_t row, int add) {
    tile(ROWS, VECTORS, depth, left, 1, ROWS, right, WIDE, out, row, add);
}

static __attribute__((noinline)) void half_tile_of(
    int64_t depth, const float *left, const float *right, float *out, int64_t row, int add) {
    tile(ROWS, VECTORS / 2, depth, left, 1, ROWS, right, WIDE, out, row, add);
}

#if LANES == 16
#define quarters NAMED(quarters)
#define weave_four NAMED(weave_four)
_Static_assert(ROWS == 4, "a tile's rows are copied four at a time");

/* The first quarters of four vectors side by side, then the second, and so on, so far apart. */
INLINE void quarters(__m512 a, __m512 b, __m512 c, __m512 d, float *to, int64_t apart) {
    const __m512 ab = _mm512_shuffle_f32x4(a, b, 0x44), ab_high = _mm512_shuffle_f32x4(a, b, 0xee);
    const __m512 cd = _mm512_shuffle_f32x4(c, d, 0x44), cd_high = _mm512_shuffle_f32x4(c, d, 0xee);
    _mm512_storeu_ps(to, _mm512_shuffle_f32x4(ab, cd, 0x88));
    _mm512_storeu_ps(to + apart, _mm512_shuffle_f32x4(ab, cd, 0xdd));
    _mm512_storeu_ps(to + 2 * apart, _mm512_shuffle_f32x4(ab_high, cd_high, 0x88));
    _mm512_storeu_ps(to + 3 * apart, _mm512_shuffle_f32x4(ab_high, cd_high, 0xdd));
}

/* Four rows of 16 numbers, woven into each other. */
INLINE void weave_four(const float *from, int64_t row, float *to) {
    const __m512 a = _mm512_loadu_ps(from), b = _mm512_loadu_ps(from + row), c = _mm512_loadu_ps(from + 2 * row);
    const __m512 d = _mm512_loadu_ps(from + 3 * row);
    const __m512d ab = (__m512d)_mm512_unpacklo_ps(a, b), ab_high = (__m512d)_mm512_unpackhi_ps(a, b);
    const __m512d cd = (__m512d)_mm512_unpacklo_ps(c, d), cd_high = (__m512d)_mm512_unpackhi_ps(c, d);
    const __m512 x = (__m512)_mm512_unpacklo_pd(ab, cd), y = (__m512)_mm512_unpackhi_pd(ab, cd);
    const __m512 z = (__m512)_mm512_unpacklo_pd(ab_high, cd_high), w = (__m512)_mm512_unpackhi_pd(ab_high, cd_high);
    quarters(x, y, z, w, to, 16);
}
#endif

/* Some of the depth of a copy, of whose (depth, length) numbers so many lie side by side: (length / wide, depth, wide).
 * The last is filled up with zeros. */
INLINE void copy(Numbers from, int64_t begin, int64_t end, int64_t depth, int64_t length, int wide, float *to) {
    for (int64_t j = 0; j < length; j += wide, to += depth * wide) {
        const float *some = from.at + j * from.column;
        const int64_t number = length - j < wide ? length - j : wide;
        int64_t k = begin;
        if (number == wide && from.column == 1)
            for (; k < end; k++) memcpy(to + k * wide, some + k * from.row, wide * sizeof *to);
        else if (number == wide && from.row == 1) {
#if LANES == 16
            if (wide == 4)
                for (; k + 16 <= end; k += 16) weave_four(some + k, from.column, to + k * wide);
#endif
            for (; k + 4 <= end; k += 4) {
                int i = 0;
                for (; i + 4 <= wide; i += 4) turn(some + k + i * from.column, from.column, to + k * wide + i, wide);
                for (; i < wide; i++)
                    for (int64_t q = k; q < k + 4; q++) to[q * wide + i] = some[i * from.column + q];
            }
        }
        for (; k < end; k++)
            for (int64_t i = 0; i < wide; i++) to[k * wide + i] = i < number ? some[k * from.row + i * from.column] : 0;
    }
}

static void copy_right(Numbers right, int64_t begin, int64_t end, int64_t depth, int64_t columns, float *to) {
    copy(right, begin, end, depth, columns, WIDE, to);
}

static void copy_left(Numbers left, int64_t begin, int64_t end, int64_t depth, int64_t rows, float *to) {
    int64_t i = 0;
#if LANES == 16
    if (left.row == 1 && (end - begin) % 4 == 0)
        for (; i + 16 <= rows; i += 16)
            for (int64_t k = begin; k < end; k += 4) {
                lanes some[4];
                for (int r = 0; r < 4; r++) some[r] = *(const lanes *)(left.at + i + (k + r) * left.column);
                quarters(some[0], some[1], some[2], some[3], to + i * depth + k * 4, 4 * depth);
            }
#endif
    copy((Numbers){left.at + i * left.row, left.column, left.row}, begin, end, depth, rows - i, ROWS, to + i * depth);
}

/* A block of rows, of so great a depth, times all columns. */
static void panels_of(const Product *p, int64_t rows, int64_t depth, const float *left, const float *right, float *out, int add) {
    for (int64_t j = 0; j < p->columns; j += WIDE, right += depth * WIDE)
        for (int64_t i = 0; i < rows; i += ROWS) {
            const int64_t high = rows - i < ROWS ? rows - i : ROWS, wide = p->columns - j < WIDE ? p->columns - j : WIDE;
            float *to = out + i * p->row + j;
            if (high == ROWS && (wide == WIDE || wide == WIDE / 2)) {
                (wide == WIDE ? tile_of : half_tile_of)(depth, left + i * depth, right, to, p->row, add);
                continue;
            }
            float some[ROWS * WIDE] = {0};
            if (add) /* to the same sums in the same order as in a whole tile */
                for (int64_t r = 0; r < high; r++) memcpy(some + r * WIDE, to + r * p->row, wide * sizeof *to);
            tile_of(depth, left + i * depth, right, some, WIDE, add);
            for (int64_t r = 0; r < high; r++) memcpy(to + r * p->row, some + r * WIDE, wide * sizeof *to);
        }
}

/* How many floats the copy of a product's right side has. */
static int64_t copy_size(const Product *p) { return (p->columns + WIDE - 1) / WIDE * WIDE * p->depth; }

INLINE Numbers part_of(Numbers all, int64_t row, int64_t column) {
    all.at += row * all.row + column * all.column;
    return all;
}

INLINE int same(Numbers a, Numbers b) { return a.at == b.at && a.row == b.row && a.column == b.column; }

/* How deep the copy is that begins there: the same for all but the last. */
static int64_t deep_at(int64_t depth, int64_t begin) {
    const int64_t copies = (depth + DEEP - 1) / DEEP, deep = ((depth + copies - 1) / copies + PART - 1) / PART * PART;
    return depth - begin < deep ? depth - begin : deep;
}

/* Whether a product's right side is the one of the product before it: then so is its copy. */
static int same_right(const Linear *l, int64_t i) { return i > 0 && same(l->products[i].right, l->products[i - 1].right); }

/* Where the copy of a product's right side is; of the one after the last: where the copies end. */
static float *copy_of(const Linear *l, int64_t product) {
    int64_t before = 0, own = 0;
    for (int64_t i = 0; i <= product; i++)
        if (i == l->number || !same_right(l, i)) {
            before += own;
            own = i < l->number ? copy_size(l->products + i) : 0;
        }
    return l->scratch + before;
}

static void copy_rights(const Linear *l) {
    for (int64_t i = 0; i < l->number; i++) {
        const Product *p = l->products + i;
        if (same_right(l, i)) continue;
        for (int64_t k = 0, depth; k < p->depth; k += depth) {
            depth = deep_at(p->depth, k);
            float *copy = copy_of(l, i) + copy_size(p) / p->depth * k;
#pragma omp for schedule(static) nowait
            for (int64_t begin = 0; begin < depth; begin += PART)
                copy_right(part_of(p->right, k, 0), begin, begin + PART < depth ? begin + PART : depth, depth, p->columns, copy);
        }
    }
#pragma omp barrier
}

/* A block of rows of some products. */
static void block_of(const Linear *l, int64_t first, int64_t last, int64_t begin, int64_t high, float *left) {
    for (int64_t next, i = first; i < last; i = next) {
        const Product *p = l->products + i;
        const int64_t rows = p->rows - begin < high ? p->rows - begin : high;
        for (next = i + 1; next < last && same(l->products[next].left, p->left);) next++;
        for (int64_t k = 0, depth; k < p->depth; k += depth) {
            depth = deep_at(p->depth, k);
            const int64_t part = LANES == 16 || p->left.column == 1 ? depth : PART;
            for (int64_t from = 0; from < depth; from += part)
                copy_left(part_of(p->left, begin, k), from, from + part < depth ? from + part : depth, depth, rows, left);
            for (int64_t j = i; j < next; j++) {
                const Product *its = l->products + j;
                const int add = l->add || k > 0 || (j > first && its->out == (its - 1)->out);
                const float *right = copy_of(l, j) + copy_size(its) / its->depth * k;
                panels_of(its, rows, depth, left, right, its->out + begin * its->row, add);
            }
        }
    }
}

static int64_t linear_room(const Linear *l) { return copy_of(l, l->number) - l->scratch + l->threads * HIGH * DEEP; }

static void linear(const Linear *l) {
    const Product *p = l->products;
    const int together = l->number > 1 && (same(p->left, p[1].left) || p->out == p[1].out);
    int64_t all = 0, blocks = 0;
    for (int64_t i = 0; i < (together ? 1 : l->number); i++) all += p[i].rows;
    int64_t high = all / (2 * l->threads) / ROWS * ROWS;
    high = high < LOW ? LOW : high > HIGH ? HIGH : high;
    for (int64_t i = 0; i < (together ? 1 : l->number); i++) blocks += (p[i].rows + high - 1) / high;
#pragma omp parallel num_threads((int)l->threads)
    {
        float *left = copy_of(l, l->number) + omp_get_thread_num() * HIGH * DEEP;
        copy_rights(l);
#pragma omp for schedule(dynamic)
        for (int64_t block = 0; block < blocks; block++) {
            int64_t i = 0, begin = block * high;
            if (together) block_of(l, 0, l->number, begin, high, left);
            else {
                for (; begin >= p[i].rows; i++) begin -= (p[i].rows + high - 1) / high * high;
                block_of(l, i, i + 1, begin, high, left);
            }
        }
    }
}
