/* A layer in training, all of it in one call forward and one back: its norms, attention, gated MLP, what is added to the
 * stream, and its linear maps, in float32 by a library's product or by linear.h, in bfloat16 by tiles.h. Where the parts of a
 * small one are called one by one, the calls take as long as what they do. training.c includes this last. */

/* A linear map, or several of the same input side by side. */
typedef struct {
    int64_t number, inputs, outputs;
    const float *weights[3];
    int64_t rows[3];
    float *together; /* (outputs, inputs): the weights of several, for a library; or none */
} Map;

/* Memory that is handed out piece by piece. */
typedef struct {
    char *at;
    int64_t used;
} Room;

static void *hand_out(Room *room, int64_t bytes) {
    void *found = room->at ? room->at + room->used : 0;
    room->used += (bytes + 63) / 64 * 64;
    return found;
}

/* What is kept from the way forward for the way back. */
typedef struct {
    float *factors, *sums, *middle, *factors_again;
    void *normed, *joint, *mixed, *again, *gated, *inner;
    Map to_heads, from_heads, to_inner, from_inner;
} Between;

static int64_t rows_of(const Layer *l) { return l->texts * l->length; }

static Between between(const Layer *l, Room *room) {
    const int64_t rows = rows_of(l), bytes = l->half ? 2 : 4, width = l->width, inner = l->inner;
    const int64_t queries = l->heads * l->size, keys = l->kv_heads * l->size;
    Between b = {
        .to_heads = {3, width, queries + 2 * keys, {l->queries, l->keys, l->values}, {queries, keys, keys}},
        .from_heads = {1, queries, width, {l->output}, {width}},
        .to_inner = {2, width, 2 * inner, {l->gate, l->up}, {inner, inner}},
        .from_inner = {1, inner, width, {l->down}, {width}},
    };
    b.factors = hand_out(room, rows * sizeof(float));
    b.normed = hand_out(room, rows * width * bytes);
    b.joint = hand_out(room, rows * b.to_heads.outputs * bytes);
    b.sums = hand_out(room, rows * l->heads * sizeof(float));
    b.mixed = hand_out(room, rows * queries * bytes);
    b.middle = hand_out(room, rows * width * sizeof(float));
    b.factors_again = hand_out(room, rows * sizeof(float));
    b.again = hand_out(room, rows * width * bytes);
    b.gated = hand_out(room, rows * 2 * inner * bytes);
    b.inner = hand_out(room, rows * inner * bytes);
    if (l->library) {
        b.to_heads.together = hand_out(room, b.to_heads.outputs * width * sizeof(float));
        b.to_inner.together = hand_out(room, b.to_inner.outputs * width * sizeof(float));
    }
    return b;
}

/* The products of a map by linear.h: what comes out (`out`), or the gradients of what went in or of the weights. */
typedef enum { OUT, TO_IN, TO_WEIGHTS } Which;

static void products_of(
    const Layer *l, const Map *m, Which which, const float *x, const float *slopes, float *to, Product *products) {
    const int64_t rows = rows_of(l), inputs = m->inputs, outputs = m->outputs;
    for (int64_t i = 0, column = 0; i < m->number; column += m->rows[i], i++) {
        const Numbers weights = {m->weights[i], inputs, 1}, turned = {m->weights[i], 1, inputs}, in = {x, inputs, 1};
        const Numbers its = {slopes + column, outputs, 1}, its_turned = {slopes + column, 1, outputs};
        if (which == OUT) products[i] = (Product){in, turned, to + column, outputs, rows, m->rows[i], inputs};
        else if (which == TO_IN) products[i] = (Product){its, weights, to, inputs, rows, inputs, m->rows[i]};
        else products[i] = (Product){its_turned, in, to + column * inputs, inputs, m->rows[i], inputs, rows};
    }
}

static void by_own(const Layer *l, const Map *m, Which which, const float *x, const float *slopes, float *to, void *scratch) {
    Product products[3];
    products_of(l, m, which, x, slopes, to, products);
    linear(&(Linear){products, m->number, l->threads, 0, scratch});
}

/* a (rows, depth) times b (depth, columns), each turned if that is said, as it lies then. */
static void by_library(
    const Layer *l, const float *a, int turn_a, const float *b, int turn_b, int64_t rows, int64_t columns, int64_t depth,
    float *c) {
    const float one = 1, none = 0; /* a library's matrices are turned: columns are side by side */
    const int64_t a_row = turn_a ? rows : depth, b_row = turn_b ? depth : columns;
    l->library(turn_b ? "T" : "N", turn_a ? "T" : "N", &columns, &rows, &depth, &one, b, &b_row, a, &a_row, &none, c, &columns);
}

static const float *weights_of(const Map *m) { return m->number > 1 ? m->together : m->weights[0]; }

/* The weights of several maps, one behind the other. */
static void put_together(const Layer *l, const Map *m) {
    if (m->number < 2) return;
#pragma omp parallel num_threads((int)l->threads)
    for (int64_t i = 0, begin = 0; i < m->number; begin += m->rows[i], i++) {
#pragma omp for schedule(static) nowait
        for (int64_t row = 0; row < m->rows[i]; row++)
            memcpy(m->together + (begin + row) * m->inputs, m->weights[i] + row * m->inputs, m->inputs * sizeof(float));
    }
}

/* How many bytes of scratch a map needs in float32, and its gradients. */
static int64_t map_room(const Layer *l, const Map *m) {
    int64_t most = 0;
    if (l->library) return 0;
    for (Which which = OUT; which <= TO_WEIGHTS; which++) {
        Product products[3];
        products_of(l, m, which, 0, 0, 0, products);
        const int64_t room = room_of(&(Linear){products, m->number, l->threads}) * sizeof(float);
        most = room > most ? room : most;
    }
    return most;
}

static void map(const Layer *l, const Map *m, const float *in, float *out, void *scratch) {
    if (!l->library) by_own(l, m, OUT, in, 0, out, scratch);
    else {
        put_together(l, m);
        by_library(l, in, 0, weights_of(m), 1, rows_of(l), m->outputs, m->inputs, out);
    }
}

/* The gradients of what went in, and of the weights, if they are wanted, from those of what came out. */
static void map_back(
    const Layer *l, const Map *m, const float *in, const float *slopes, float *to_in, float *to_weights, void *scratch) {
    const int64_t rows = rows_of(l);
    if (!l->library) {
        by_own(l, m, TO_IN, in, slopes, to_in, scratch);
        if (to_weights) by_own(l, m, TO_WEIGHTS, in, slopes, to_weights, scratch);
    } else {
        by_library(l, slopes, 0, weights_of(m), 0, rows, m->inputs, m->outputs, to_in);
        if (to_weights) by_library(l, slopes, 1, in, 0, m->outputs, m->inputs, rows, to_weights);
    }
}

/* What a head or a row is asked of by other passes. */
static Norm norm_of(const Layer *l, const float *x, const float *weight, float *factors) {
    return (Norm){.rows = rows_of(l), .width = l->width, .threads = l->threads, .together = l->together, .half = l->half,
        .epsilon = l->epsilon, .x = x, .weight = weight, .factors = factors};
}

static Heads heads_of(const Layer *l, const void *at, int64_t column, int64_t width) {
    return (Heads){(char *)at + column * (l->half ? 2 : 4), l->length * width, l->size, width, l->half};
}

static Attention attention_of(const Layer *l, const Between *b, void *scratch) {
    const int64_t width = b->to_heads.outputs, queries = l->heads * l->size, keys = l->kv_heads * l->size;
    return (Attention){.texts = l->texts, .heads = l->heads, .kv_heads = l->kv_heads, .length = l->length, .size = l->size,
        .threads = l->threads, .tiles = l->half, .queries = heads_of(l, b->joint, 0, width),
        .keys = heads_of(l, b->joint, queries, width), .values = heads_of(l, b->joint, queries + keys, width),
        .query_norm = l->query_norm, .key_norm = l->key_norm, .cosines = l->cosines, .sines = l->sines,
        .epsilon = l->epsilon, .sums = b->sums, .scratch = scratch, .room = newleaf_attention_room(l->length, l->size)};
}

static Gated gated_of_layer(const Layer *l, const void *gate) {
    return (Gated){.rows = rows_of(l), .width = l->inner, .threads = l->threads, .half = l->half, .gate = gate,
        .up = (const char *)gate + l->inner * (l->half ? 2 : 4)};
}

/* What attention (0) or the MLP (1) adds, and to what. */
static Stream stream_of(const Layer *l, int which, const float *x, void *added, float *sum) {
    return (Stream){rows_of(l), l->width, l->threads, l->half, l->length, l->kept ? l->kept + which * l->width : 0, l->kept_text,
        x, added, sum};
}

static void stream_sum(Stream o, int lanes) {
#pragma omp parallel for num_threads((int)o.threads) schedule(static)
    for (int64_t i = 0; i < o.rows; i++) (lanes == 16 ? sum_row_avx512 : sum_row_avx2)(&o, i);
}

static void stream_slopes(Stream o, int lanes) {
#pragma omp parallel for num_threads((int)o.threads) schedule(static)
    for (int64_t i = 0; i < o.rows; i++) (lanes == 16 ? slopes_row_avx512 : slopes_row_avx2)(&o, i);
}

static int64_t larger_of(int64_t a, int64_t b) { return a > b ? a : b; }

/* What one way uses and forgets. In bfloat16 each has its place; in float32 `wide` and `narrow` are used again and again. */
typedef struct {
    void *added, *added_first; /* (N, C): what is added to the stream, or gradients of it */
    void *wide, *wide_heads;   /* (N, 2 I), (N, what goes to the heads): gradients of what maps made */
    void *narrow, *to_mixed;   /* (N, I), (N, H D): gradients of what went into them, */
    void *to_normed;           /* (N, C) */
    float *to_middle, *to_norm, *to_norm_again, *attention, *to_head_norms;
    void *map;
    Tile *laid[4]; /* the weights of each map */
    uint16_t *spare;
    int64_t of_spare; /* of each thread */
} Scratch;

static Scratch scratch_of(const Layer *l, int back, Room *room) {
    Room none = {0};
    const Between b = between(l, &none);
    const Map *maps[] = {&b.to_heads, &b.from_heads, &b.to_inner, &b.from_inner};
    const int64_t rows = rows_of(l), bytes = l->half ? 2 : 4, parts = (rows + l->together - 1) / l->together;
    const int64_t wide = rows * b.to_inner.outputs * bytes, heads = rows * b.to_heads.outputs * bytes;
    const int64_t inner = rows * l->inner * bytes, width = rows * l->width * bytes, mixed = rows * b.from_heads.inputs * bytes;
    int64_t room_of_map = 0;
    Scratch s = {.added = hand_out(room, width)};
    for (int i = 0; i < 4; i++) {
        const int64_t of_outer = back ? newleaf_outer_room(maps[i]->outputs, maps[i]->inputs) * sizeof(float) : 0;
        room_of_map = larger_of(room_of_map, l->half ? of_outer : map_room(l, maps[i]));
        s.of_spare = larger_of(s.of_spare, 32 * (maps[i]->inputs + maps[i]->outputs));
        if (l->half) s.laid[i] = hand_out(room, maps[i]->inputs * maps[i]->outputs * bytes);
    }
    if (l->half) s.spare = hand_out(room, l->threads * s.of_spare * bytes);
    s.map = hand_out(room, room_of_map);
    s.attention = hand_out(room, l->threads * newleaf_attention_room(l->length, l->size) * sizeof(float));
    if (!back) return s;
    s.wide = hand_out(room, l->half ? wide : larger_of(wide, heads));
    s.wide_heads = l->half ? hand_out(room, heads) : s.wide;
    s.narrow = hand_out(room, l->half ? inner : larger_of(larger_of(inner, width), mixed));
    s.to_mixed = l->half ? hand_out(room, mixed) : s.narrow;
    s.to_normed = l->half ? hand_out(room, width) : s.narrow;
    s.added_first = l->half ? hand_out(room, width) : s.added;
    s.to_middle = hand_out(room, rows * l->width * sizeof(float));
    s.to_norm = hand_out(room, parts * l->width * sizeof(float));
    s.to_norm_again = hand_out(room, parts * l->width * sizeof(float));
    s.to_head_norms = hand_out(room, l->texts * l->kv_heads * 2 * l->size * sizeof(float));
    return s;
}

int64_t newleaf_layer_room(const Layer *l) {
    Room room = {0};
    between(l, &room);
    return room.used;
}

int64_t newleaf_layer_scratch(const Layer *l, int back) {
    Room room = {0};
    scratch_of(l, back, &room);
    return room.used;
}

/* What the passes of a layer are told, on one of its ways. */
typedef struct {
    Between b;
    Scratch s;
    Norm first, second;
    Attention attention;
    Gated gates;
    Stream of_attention, of_mlp;
} Passes;

static Passes passes_of(const Layer *l, int back) {
    Room room = {l->room}, more = {l->scratch};
    Passes p = {.b = between(l, &room), .s = scratch_of(l, back, &more)};
    const Between *b = &p.b;
    const Scratch *s = &p.s;
    p.first = norm_of(l, l->x, l->first_norm, b->factors);
    p.second = norm_of(l, back ? b->middle : l->x, l->second_norm, b->factors_again);
    p.attention = attention_of(l, b, s->attention);
    p.gates = gated_of_layer(l, b->gated);
    if (!back) {
        p.first.out = b->normed;
        p.attention.mixed = heads_of(l, b->mixed, 0, b->from_heads.inputs);
        p.second.added = s->added;
        p.second.sum = b->middle;
        p.second.out = b->again;
        p.gates.out = b->inner;
        p.of_attention = stream_of(l, 0, 0, s->added, 0);
        p.of_mlp = stream_of(l, 1, b->middle, s->added, l->out);
        return p;
    }
    const int64_t width = b->to_heads.outputs, queries = l->heads * l->size, keys = l->kv_heads * l->size;
    const Gated its = gated_of_layer(l, s->wide);
    p.of_mlp = stream_of(l, 1, l->slopes, s->added, 0);
    p.gates.slopes = s->narrow;
    p.gates.to_gate = (void *)its.gate;
    p.gates.to_up = (void *)its.up;
    p.second.slopes = s->to_normed;
    p.second.to_sum = l->slopes;
    p.second.to_x = s->to_middle;
    p.second.to_added = l->half ? s->added_first : 0;
    p.second.to_weight = s->to_norm_again;
    p.of_attention = stream_of(l, 0, s->to_middle, s->added_first, 0);
    p.attention.slopes = heads_of(l, s->to_mixed, 0, b->from_heads.inputs);
    p.attention.to_queries = heads_of(l, s->wide_heads, 0, width);
    p.attention.to_keys = heads_of(l, s->wide_heads, queries, width);
    p.attention.to_values = heads_of(l, s->wide_heads, queries + keys, width);
    p.attention.to_norms = s->to_head_norms;
    p.first.slopes = s->to_normed;
    p.first.to_sum = s->to_middle;
    p.first.to_x = l->to_x;
    p.first.to_weight = s->to_norm;
    return p;
}

/* In float32: one pass after the other over all rows. */
static void layer(const Layer *l, const Passes *p, int lanes) {
    const Between *b = &p->b;
    const Scratch *s = &p->s;
    newleaf_norm(&p->first, lanes);
    map(l, &b->to_heads, b->normed, b->joint, s->map);
    newleaf_attention_forward(&p->attention, lanes);
    map(l, &b->from_heads, b->mixed, s->added, s->map);
    if (l->kept) stream_sum(p->of_attention, lanes);
    newleaf_norm(&p->second, lanes);
    map(l, &b->to_inner, b->again, b->gated, s->map);
    newleaf_gated(&p->gates, lanes);
    map(l, &b->from_inner, b->inner, s->added, s->map);
    stream_sum(p->of_mlp, lanes);
}

static void layer_back(const Layer *l, const Passes *p, int lanes) {
    const Between *b = &p->b;
    const Scratch *s = &p->s;
    if (l->kept) stream_slopes(p->of_mlp, lanes); /* without it, what was added has the slopes of the sum */
    map_back(l, &b->from_inner, b->inner, l->kept ? s->added : l->slopes, s->narrow, l->to_down, s->map);
    newleaf_gated_backward(&p->gates, lanes);
    map_back(l, &b->to_inner, b->again, s->wide, s->to_normed, l->to_inner, s->map);
    newleaf_norm_backward(&p->second, lanes);
    if (l->kept) stream_slopes(p->of_attention, lanes);
    map_back(l, &b->from_heads, b->mixed, l->kept ? s->added_first : s->to_middle, s->to_mixed, l->to_output, s->map);
    newleaf_attention_backward(&p->attention, lanes);
    map_back(l, &b->to_heads, b->normed, s->wide_heads, s->to_normed, l->to_heads, s->map);
    newleaf_norm_backward(&p->first, lanes);
}

/* In bfloat16, by tiles: all passes between two of attention over some rows, which stay in the second cache. */
/* How many rows are done at once: of a norm's, whose gradients are added up, whole parts. */
static int64_t rows_at_once(const Layer *l) {
    const int64_t parts = rows_of(l) / (2 * l->threads * l->together);
    return l->together * (parts < 1 ? 1 : parts > 2 ? 2 : parts);
}

static void lay_map(const Map *m, int back, Tile *laid) {
    const int64_t deep = (back ? m->outputs : m->inputs) / 32;
    for (int64_t i = 0, begin = 0; i < m->number; begin += m->rows[i] / 32, i++) {
#pragma omp for schedule(static) nowait
        for (int64_t chunk = 0; chunk < m->rows[i] / 32; chunk++)
            lay_weights(m->weights[i], m->inputs, chunk, begin, deep, back, laid);
    }
}

static void lay_maps(const Passes *p, int back) {
    lay_map(&p->b.to_heads, back, p->s.laid[0]);
    lay_map(&p->b.from_heads, back, p->s.laid[1]);
    lay_map(&p->b.to_inner, back, p->s.laid[2]);
    lay_map(&p->b.from_inner, back, p->s.laid[3]);
}

/* Some rows of what one of the maps makes, or (`back`) of the gradients of what went into it. */
static void map_some(
    const Map *m, int back, const void *in, int64_t row, int64_t end, const Tile *laid, void *out, uint16_t *spare) {
    const int64_t inputs = back ? m->outputs : m->inputs, outputs = back ? m->inputs : m->outputs;
    map_rows((const uint16_t *)in + row * inputs, end - row, laid, inputs / 32, outputs, (uint16_t *)out + row * outputs, spare);
}

static uint16_t *spare_of(const Passes *p) { return p->s.spare + omp_get_thread_num() * p->s.of_spare; }

static void layer_in_tiles(const Layer *l, const Passes *p) {
    const int64_t rows = rows_of(l), each = rows_at_once(l);
    const Between *b = &p->b;
    const Scratch *s = &p->s;
#pragma omp parallel num_threads((int)l->threads)
    {
        uint16_t *spare = spare_of(p);
        TileConfig before;
        lay_maps(p, 0);
#pragma omp barrier
        enter_tiles(&before);
#pragma omp for schedule(static)
        for (int64_t row = 0; row < rows; row += each) {
            const int64_t end = row + each < rows ? row + each : rows;
            for (int64_t i = row; i < end; i++) norm_row(&p->first, i);
            map_some(&b->to_heads, 0, b->normed, row, end, s->laid[0], b->joint, spare);
        }
        heads_in_turn(&p->attention, forward_tiles);
#pragma omp for schedule(static)
        for (int64_t row = 0; row < rows; row += each) {
            const int64_t end = row + each < rows ? row + each : rows;
            map_some(&b->from_heads, 0, b->mixed, row, end, s->laid[1], s->added, spare);
            for (int64_t i = row; i < end; i++) {
                if (l->kept) sum_row(&p->of_attention, i);
                norm_row(&p->second, i);
            }
            map_some(&b->to_inner, 0, b->again, row, end, s->laid[2], b->gated, spare);
            for (int64_t i = row; i < end; i++) gated(&p->gates, i);
            map_some(&b->from_inner, 0, b->inner, row, end, s->laid[3], s->added, spare);
            for (int64_t i = row; i < end; i++) sum_row(&p->of_mlp, i);
        }
        leave_tiles(&before);
    }
}

/* A part of a norm's rows after the other. */
static void norm_back(const Norm *o, int64_t row, int64_t end) {
    const int64_t each = o->together;
    for (int64_t begin = row; begin < end; begin += each)
        norm_slopes(o, begin, begin + each < end ? begin + each : end, o->to_weight + begin / each * o->width);
}

static void outer_of(const Layer *l, const Map *m, const void *slopes, const void *in, float *to_weights, void *scratch) {
    const int64_t rows = rows_of(l), out = m->outputs, width = m->inputs;
    if (!to_weights) return;
    newleaf_outer(&(Outer){rows, out, width, l->threads, slopes, in, out, width, width, to_weights, 0, scratch}, 16);
}

static void layer_back_in_tiles(const Layer *l, const Passes *p) {
    const int64_t rows = rows_of(l), each = rows_at_once(l), parts = (rows + l->together - 1) / l->together;
    const Between *b = &p->b;
    const Scratch *s = &p->s;
#pragma omp parallel num_threads((int)l->threads)
    {
        uint16_t *spare = spare_of(p);
        TileConfig before;
        lay_maps(p, 1);
#pragma omp barrier
        enter_tiles(&before);
#pragma omp for schedule(static)
        for (int64_t row = 0; row < rows; row += each) {
            const int64_t end = row + each < rows ? row + each : rows;
            for (int64_t i = row; i < end; i++) slopes_row(&p->of_mlp, i);
            map_some(&b->from_inner, 1, s->added, row, end, s->laid[3], s->narrow, spare);
            for (int64_t i = row; i < end; i++) gated_slopes(&p->gates, i);
            map_some(&b->to_inner, 1, s->wide, row, end, s->laid[2], s->to_normed, spare);
            norm_back(&p->second, row, end);
            if (l->kept)
                for (int64_t i = row; i < end; i++) slopes_row(&p->of_attention, i);
            map_some(&b->from_heads, 1, s->added_first, row, end, s->laid[1], s->to_mixed, spare);
        }
        heads_in_turn(&p->attention, backward_tiles);
#pragma omp for schedule(static)
        for (int64_t row = 0; row < rows; row += each) {
            const int64_t end = row + each < rows ? row + each : rows;
            map_some(&b->to_heads, 1, s->wide_heads, row, end, s->laid[0], s->to_normed, spare);
            norm_back(&p->first, row, end);
        }
        leave_tiles(&before);
    }
    add_up(parts, l->width, s->to_norm);
    add_up(parts, l->width, s->to_norm_again);
    if (l->query_norm) add_up(l->texts * l->kv_heads, 2 * l->size, s->to_head_norms);
    outer_of(l, &b->from_inner, s->added, b->inner, l->to_down, s->map);
    outer_of(l, &b->to_inner, s->wide, b->again, l->to_inner, s->map);
    outer_of(l, &b->from_heads, s->added_first, b->mixed, l->to_output, s->map);
    outer_of(l, &b->to_heads, s->wide_heads, b->normed, l->to_heads, s->map);
}

void newleaf_layer(const Layer *l, int lanes) {
    const Passes p = passes_of(l, 0);
    if (l->half) layer_in_tiles(l, &p);
    else layer(l, &p, lanes);
}

void newleaf_layer_backward(const Layer *l, int lanes) {
    const Passes p = passes_of(l, 1);
    if (l->half) layer_back_in_tiles(l, &p);
    else layer_back(l, &p, lanes);
    memcpy(l->to_first_norm, p.s.to_norm, l->width * sizeof(float));
    memcpy(l->to_second_norm, p.s.to_norm_again, l->width * sizeof(float));
    if (l->query_norm) memcpy(l->to_head_norms, p.s.to_head_norms, 2 * l->size * sizeof(float));
}
