/* Products of large matrices: what the linear maps of many tokens are, and their gradients. training.c includes this
 * once for each kind of processor.
 *
 * The right side is copied once, in panels as wide as a tile of sums in registers; of the left side a block of rows and
 * a depth at a time, so that it stays in the second cache and a panel in the first (Goto and van de Geijn 2008,
 * doi:10.1145/1356052.1356053). Rows whose numbers lie side by side are read where they are. Threads take blocks as they
 * come: none waits for one whose core is shared.
 *
 * Of products behind each other that share their left side, or that add up to one matrix, a block is done for all at
 * once: of what is shared it is copied once, and what adds up is still in the cache. */

#define tile_there NAMED(tile_there)
#define half_tile_there NAMED(half_tile_there)
#define tile_of NAMED(tile_of)
#define half_tile_of NAMED(half_tile_of)
#define copy NAMED(copy)
#define copy_right NAMED(copy_right)
#define copy_left NAMED(copy_left)
#define sums_of NAMED(sums_of)
#define first_copied NAMED(first_copied)
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

/* Sums of ROWS rows and WIDE columns, or half as many, of what was copied; and the same of rows that are read where they
 * are, so far apart. */
static __attribute__((noinline)) void tile_of(
    int64_t depth, const float *left, const float *right, float *out, int64_t row, int add) {
    tile(ROWS, VECTORS, depth, left, 1, ROWS, right, WIDE, out, row, add);
}

static __attribute__((noinline)) void half_tile_of(
    int64_t depth, const float *left, const float *right, float *out, int64_t row, int add) {
    tile(ROWS, VECTORS / 2, depth, left, 1, ROWS, right, WIDE, out, row, add);
}

static __attribute__((noinline)) void tile_there(
    int64_t depth, const float *left, int64_t apart, const float *right, float *out, int64_t row, int add) {
    tile(ROWS, VECTORS, depth, left, apart, 1, right, WIDE, out, row, add);
}

static __attribute__((noinline)) void half_tile_there(
    int64_t depth, const float *left, int64_t apart, const float *right, float *out, int64_t row, int add) {
    tile(ROWS, VECTORS / 2, depth, left, apart, 1, right, WIDE, out, row, add);
}

/* Each of the four knows how far apart its numbers are: with distances that a compiler does not know it is slower. */
INLINE void sums_of(
    int is_wide, int64_t depth, Numbers left, const float *right, float *out, int64_t row, int add) {
    if (left.column == 1) (is_wide ? tile_there : half_tile_there)(depth, left.at, left.row, right, out, row, add);
    else (is_wide ? tile_of : half_tile_of)(depth, left.at, right, out, row, add);
}

INLINE Numbers part_of(Numbers all, int64_t row, int64_t column) {
    all.at += row * all.row + column * all.column;
    return all;
}

/* Some of the depth of a copy, of whose (depth, length) numbers so many lie side by side: (length / wide, depth, wide).
 * The last is filled up with zeros. */
INLINE void copy(Numbers from, int64_t begin, int64_t end, int64_t depth, int64_t length, int wide, float *to) {
    const int64_t whole = length / wide * wide;
    int64_t j = 0;
    if (from.column == 1) /* row by row, as they lie in memory */
        for (int64_t k = begin; k < end; k++)
            for (j = 0; j < whole; j += wide) memcpy(to + j * depth + k * wide, from.at + k * from.row + j, wide * sizeof *to);
    else if (from.row == 1)
        for (; j < whole; j += wide)
            turned(wide, end - begin, from.at + begin + j * from.column, from.column, to + j * depth + begin * wide, wide);
    for (; j < length; j += wide)
        for (int64_t k = begin; k < end; k++)
            for (int64_t i = 0; i < wide; i++)
                to[j * depth + k * wide + i] = j + i < length ? from.at[k * from.row + (j + i) * from.column] : 0;
}

static void copy_right(Numbers right, int64_t begin, int64_t end, int64_t depth, int64_t columns, float *to) {
    copy(right, begin, end, depth, columns, WIDE, to);
}

static void copy_left(Numbers left, int64_t begin, int64_t end, int64_t depth, int64_t rows, float *to) {
    int64_t i = 0;
#if LANES == 16
    _Static_assert(ROWS == 4, "a quarter of a vector has the rows of a tile");
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

/* From which row of a block of the left side on it is copied: rows whose numbers lie side by side are read where they
 * are, but for those that fill no tile. */
INLINE int64_t first_copied(Numbers left, int64_t rows) { return left.column == 1 ? rows / ROWS * ROWS : 0; }

/* A block of rows, of so great a depth, times all columns. */
static void panels_of(
    const Product *p, int64_t rows, int64_t depth, Numbers left, const float *copied, const float *right, float *out, int add) {
    const int64_t first = first_copied(left, rows);
    for (int64_t j = 0; j < p->columns; j += WIDE, right += depth * WIDE)
        for (int64_t i = 0; i < rows; i += ROWS) {
            const int64_t high = rows - i < ROWS ? rows - i : ROWS, wide = p->columns - j < WIDE ? p->columns - j : WIDE;
            const Numbers its = i < first ? part_of(left, i, 0) : (Numbers){copied + (i - first) * depth, 1, ROWS};
            float *to = out + i * p->row + j;
            if (high == ROWS && (wide == WIDE || wide == WIDE / 2)) {
                sums_of(wide == WIDE, depth, its, right, to, p->row, add);
                continue;
            }
            float some[ROWS * WIDE] = {0};
            if (add) /* to the same sums in the same order as in a whole tile */
                for (int64_t r = 0; r < high; r++) memcpy(some + r * WIDE, to + r * p->row, wide * sizeof *to);
            sums_of(1, depth, its, right, some, WIDE, add);
            for (int64_t r = 0; r < high; r++) memcpy(to + r * p->row, some + r * WIDE, wide * sizeof *to);
        }
}

/* How many floats the copy of a product's right side has. */
static int64_t copy_size(const Product *p) { return (p->columns + WIDE - 1) / WIDE * WIDE * p->depth; }

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
static void block_of(const Linear *l, int64_t first, int64_t last, int64_t begin, int64_t high, float *copied) {
    for (int64_t next, i = first; i < last; i = next) {
        const Product *p = l->products + i;
        const int64_t rows = p->rows - begin < high ? p->rows - begin : high;
        for (next = i + 1; next < last && same(l->products[next].left, p->left);) next++;
        for (int64_t k = 0, depth; k < p->depth; k += depth) {
            depth = deep_at(p->depth, k);
            const Numbers left = part_of(p->left, begin, k);
            const int64_t part = LANES == 16 ? depth : PART, copy_from = first_copied(left, rows);
            for (int64_t from = 0; from < depth; from += part)
                copy_left(
                    part_of(left, copy_from, 0), from, from + part < depth ? from + part : depth, depth, rows - copy_from, copied);
            for (int64_t j = i; j < next; j++) {
                const Product *its = l->products + j;
                const int add = l->add || k > 0 || (j > first && its->out == (its - 1)->out);
                const float *right = copy_of(l, j) + copy_size(its) / its->depth * k;
                panels_of(its, rows, depth, left, copied, right, its->out + begin * its->row, add);
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
