/* SPDX-License-Identifier: MIT */
/* The player's inside: player.c has the steps, record.c the engine's host, shell.c the shell at the other end. */
#ifndef TRANSCRIPTS_PARTS_H
#define TRANSCRIPTS_PARTS_H

#include "player.h"

/* record.c */
extern const engine_host player_host;
void player_on_catch_up(void *owner);
void player_on_transcript(void *owner, hostsession_direction direction, const char *data, size_t length);
void player_add_quoted(text *to, const char *data, size_t length);
void player_end_piece(player *p);

/* shell.c */
/* Bytes arrive, in the pieces that are wanted. */
void player_receive(player *p, hostsession_stream stream, const text *data, bool cut, size_t cut_at);
unsigned long long player_prompt_number(const player *p, unsigned long long line);
void player_collect(player *p);
void player_answer_all(player *p, const char *cwd);
bool player_answer_due(player *p);
int64_t player_next_due(const player *p);
bool player_open_shell(player *p, const char *shell);

/* player.c */
bool player_complain(player *p, const char *why, const char *what);

#endif
