// Calls in files of what computes element by element: a[] are the arguments, in the order of the
// kernel's.
#ifndef TUCO_RUNTIME_CALLS_OF_ELEMENTS_H
#define TUCO_RUNTIME_CALLS_OF_ELEMENTS_H

#include "add.h"
#include "calls.h"
#include "clamp.h"
#include "lookup.h"
#include "maximum.h"
#include "mul.h"
#include "prelu.h"
#include "quick_add.h"

TUCO_SHARED void tuco_check_quick_add(tuco_checks* c, const int32_t* a) {
  const uint32_t size = tuco_area(c, (uint32_t)a[3], 1);
  tuco_in_arena(c, a[0], size, 0);
  tuco_readable(c, a[1], size);
  tuco_readable(c, a[2], size);
  const tuco_quick_addition* p = TUCO_STRUCT(tuco_quick_addition, a[4]);
  if (c->failed) return;
  tuco_expect(c, p->a_multiplier >= 0 && p->b_multiplier >= 0 && p->out_multiplier >= 0);
  tuco_expect_int8(c, p->a_zero_point);
  tuco_expect_int8(c, p->b_zero_point);
  tuco_expect_int8(c, p->out_zero_point);
  tuco_expect_in(c, p->a_left, 0, 22);
  tuco_expect_in(c, p->b_left, 0, 22);
  tuco_expect_in(c, p->a_right, 1, 31);
  tuco_expect_in(c, p->b_right, 1, 31);
  tuco_expect_in(c, p->out_right, 1, 31);
  tuco_expect_int8(c, a[5]);
  tuco_expect_int8(c, a[6]);
}
TUCO_SHARED void tuco_call_quick_add(const tuco_model* m, const int32_t* a) {
  tuco_quick_add(TUCO_OUT, TUCO_IN, TUCO_INT8(2), a[3], TUCO_POINTER(tuco_quick_addition, 4), a[5],
                 a[6]);
}

TUCO_SHARED void tuco_expect_addition(tuco_checks* c, int32_t at) {
  const tuco_addition* p = TUCO_STRUCT(tuco_addition, at);
  if (c->failed) return;
  tuco_expect_int8(c, p->a_zero_point);
  tuco_expect_int8(c, p->b_zero_point);
  tuco_expect_factor(c, p->a_multiplier, p->a_shift, p->rounding);
  tuco_expect_factor(c, p->b_multiplier, p->b_shift, p->rounding);
  tuco_expect(c, p->a_shift <= 0 && p->b_shift <= 0);
  tuco_expect_factor(c, p->out_multiplier, p->out_shift, p->rounding);
  tuco_expect_int8(c, p->out_zero_point);
  tuco_expect_int8(c, p->low);
  tuco_expect_int8(c, p->high);
}

// Operands of a broadcast.
TUCO_SHARED void tuco_check_broadcast(tuco_checks* c, const int32_t* a) {
  const tuco_broadcast* g = TUCO_STRUCT(tuco_broadcast, a[3]);
  if (c->failed) return;
  tuco_in_arena(c, a[0], tuco_span_size(c, g->size), 0);
  tuco_readable(c, a[1], tuco_span(c, g->size, g->a_step));
  tuco_readable(c, a[2], tuco_span(c, g->size, g->b_step));
}

TUCO_SHARED void tuco_check_add(tuco_checks* c, const int32_t* a) {
  const uint32_t size = tuco_area(c, (uint32_t)a[3], 1);
  tuco_in_arena(c, a[0], size, 0);
  tuco_readable(c, a[1], size);
  tuco_readable(c, a[2], size);
  tuco_expect_addition(c, a[4]);
}
TUCO_SHARED void tuco_call_add(const tuco_model* m, const int32_t* a) {
  tuco_add(TUCO_OUT, TUCO_IN, TUCO_INT8(2), a[3], TUCO_POINTER(tuco_addition, 4));
}

TUCO_SHARED void tuco_check_add_broadcast(tuco_checks* c, const int32_t* a) {
  tuco_check_broadcast(c, a);
  tuco_expect_addition(c, a[4]);
}
TUCO_SHARED void tuco_call_add_broadcast(const tuco_model* m, const int32_t* a) {
  tuco_add_broadcast(TUCO_OUT, TUCO_IN, TUCO_INT8(2), TUCO_POINTER(tuco_broadcast, 3),
                     TUCO_POINTER(tuco_addition, 4));
}

TUCO_SHARED void tuco_check_subtract(tuco_checks* c, const int32_t* a) {
  tuco_check_broadcast(c, a);
  tuco_expect_addition(c, a[4]);
}
TUCO_SHARED void tuco_call_subtract(const tuco_model* m, const int32_t* a) {
  tuco_subtract(TUCO_OUT, TUCO_IN, TUCO_INT8(2), TUCO_POINTER(tuco_broadcast, 3),
                TUCO_POINTER(tuco_addition, 4));
}

TUCO_SHARED void tuco_check_multiply(tuco_checks* c, const int32_t* a) {
  tuco_check_broadcast(c, a);
  const tuco_multiplication* p = TUCO_STRUCT(tuco_multiplication, a[4]);
  if (c->failed) return;
  tuco_expect_int8(c, p->a_zero_point);
  tuco_expect_int8(c, p->b_zero_point);
  tuco_expect_int8(c, p->out_zero_point);
  tuco_expect_factor(c, p->multiplier, p->shift, p->rounding);
  tuco_expect_int8(c, p->low);
  tuco_expect_int8(c, p->high);
}
TUCO_SHARED void tuco_call_multiply(const tuco_model* m, const int32_t* a) {
  tuco_multiply(TUCO_OUT, TUCO_IN, TUCO_INT8(2), TUCO_POINTER(tuco_broadcast, 3),
                TUCO_POINTER(tuco_multiplication, 4));
}

TUCO_SHARED void tuco_check_prelu(tuco_checks* c, const int32_t* a) {
  tuco_check_broadcast(c, a);
  const tuco_rectification* p = TUCO_STRUCT(tuco_rectification, a[4]);
  if (c->failed) return;
  tuco_expect_int8(c, p->a_zero_point);
  tuco_expect_int8(c, p->b_zero_point);
  tuco_expect_int8(c, p->out_zero_point);
  tuco_expect_factor(c, p->above_multiplier, p->above_shift, p->rounding);
  tuco_expect_factor(c, p->below_multiplier, p->below_shift, p->rounding);
}
TUCO_SHARED void tuco_call_prelu(const tuco_model* m, const int32_t* a) {
  tuco_prelu(TUCO_OUT, TUCO_IN, TUCO_INT8(2), TUCO_POINTER(tuco_broadcast, 3),
             TUCO_POINTER(tuco_rectification, 4));
}

TUCO_SHARED void tuco_check_maximum(tuco_checks* c, const int32_t* a) {
  tuco_check_broadcast(c, a);
}
TUCO_SHARED void tuco_call_maximum(const tuco_model* m, const int32_t* a) {
  tuco_maximum(TUCO_OUT, TUCO_IN, TUCO_INT8(2), TUCO_POINTER(tuco_broadcast, 3));
}

TUCO_SHARED void tuco_check_minimum(tuco_checks* c, const int32_t* a) {
  tuco_check_broadcast(c, a);
}
TUCO_SHARED void tuco_call_minimum(const tuco_model* m, const int32_t* a) {
  tuco_minimum(TUCO_OUT, TUCO_IN, TUCO_INT8(2), TUCO_POINTER(tuco_broadcast, 3));
}

// Kernels of one input, element by element.
TUCO_SHARED void tuco_check_elements(tuco_checks* c, const int32_t* a) {
  const uint32_t size = tuco_area(c, (uint32_t)a[2], 1);
  tuco_in_arena(c, a[0], size, 0);
  tuco_readable(c, a[1], size);
}

TUCO_SHARED void tuco_check_lookup(tuco_checks* c, const int32_t* a) {
  tuco_check_elements(c, a);
  tuco_in_file(c, (uint32_t)a[3], 256, 1);
}
TUCO_SHARED void tuco_call_lookup(const tuco_model* m, const int32_t* a) {
  tuco_lookup(TUCO_OUT, TUCO_IN, a[2], TUCO_INT8(3));
}

TUCO_SHARED void tuco_check_clamp(tuco_checks* c, const int32_t* a) {
  tuco_check_elements(c, a);
  tuco_expect_int8(c, a[3]);
  tuco_expect_int8(c, a[4]);
}
TUCO_SHARED void tuco_call_clamp(const tuco_model* m, const int32_t* a) {
  tuco_clamp(TUCO_OUT, TUCO_IN, a[2], a[3], a[4]);
}

TUCO_SHARED void tuco_check_rescale(tuco_checks* c, const int32_t* a) {
  tuco_check_elements(c, a);
  tuco_expect_int8(c, a[3]);
  tuco_expect_factor(c, a[4], a[5], a[9]);
  tuco_expect_bounds(c, a + 6);
}
TUCO_SHARED void tuco_call_rescale(const tuco_model* m, const int32_t* a) {
  tuco_rescale(TUCO_OUT, TUCO_IN, a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
}

#endif
