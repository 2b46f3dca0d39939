/*
 * A fax machine (T.30) of spandsp's on a line of G.711: faxmachine send|receive FILE.tif PCMA|PCMU v17|v27
 *
 * For each 20 ms that it hears (160 octets on standard input) it says 20 ms (160 octets on standard output). When the call is
 * over it prints the result on standard error and ends. Packets, keys and SIP are somebody else's.
 *
 * faxmachine pixels FILE.tif writes the rows of a page, eight pixels an octet, 1 is black.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>
#include <spandsp.h>

enum { FRAME = 160, FAREWELL = 25 };

static int over, result;

static void ended(t30_state_t *t30, void *unused, int code)
{
	over = 1;
	result = code;
}

static int pixels(const char *name)
{
	uint8_t row[1024];
	uint32_t width, height, y;
	TIFF *page = TIFFOpen(name, "r");

	if (page == NULL || !TIFFGetField(page, TIFFTAG_IMAGEWIDTH, &width) || !TIFFGetField(page, TIFFTAG_IMAGELENGTH, &height) || width / 8 > sizeof row)
		return 1;
	for (y = 0; y < height; y++)
		if (TIFFReadScanline(page, row, y, 0) < 0 || fwrite(row, 1, width / 8, stdout) != width / 8)
			return 1;
	TIFFClose(page);
	return 0;
}

int main(int argc, char **argv)
{
	uint8_t octets[FRAME];
	int16_t line[FRAME];
	int i, n, left = FAREWELL;

	if (argc == 3 && !strcmp(argv[1], "pixels"))
		return pixels(argv[2]);
	if (argc != 5) {
		fprintf(stderr, "usage: faxmachine send|receive FILE.tif PCMA|PCMU v17|v27\n");
		return 2;
	}
	int sends = !strcmp(argv[1], "send"), a_law = !strcmp(argv[3], "PCMA");
	fax_state_t *fax = fax_init(NULL, sends);
	t30_state_t *t30 = fax_get_t30_state(fax);
	fax_set_transmit_on_idle(fax, 1);
	t30_set_supported_modems(t30, T30_SUPPORT_V27TER | (strcmp(argv[4], "v17") ? 0 : T30_SUPPORT_V29 | T30_SUPPORT_V17));
	t30_set_supported_compressions(t30, T30_SUPPORT_T4_1D_COMPRESSION | T30_SUPPORT_T4_2D_COMPRESSION | T30_SUPPORT_T6_COMPRESSION);
	t30_set_ecm_capability(t30, 1);
	t30_set_phase_e_handler(t30, ended, NULL);
	if (sends)
		t30_set_tx_file(t30, argv[2], -1, -1);
	else
		t30_set_rx_file(t30, argv[2], -1);
	while (left > 0 && fread(octets, 1, FRAME, stdin) == FRAME) {
		for (i = 0; i < FRAME; i++)
			line[i] = a_law ? alaw_to_linear(octets[i]) : ulaw_to_linear(octets[i]);
		fax_rx(fax, line, FRAME);
		n = fax_tx(fax, line, FRAME);
		memset(line + n, 0, (FRAME - n) * sizeof line[0]);
		for (i = 0; i < FRAME; i++)
			octets[i] = a_law ? linear_to_alaw(line[i]) : linear_to_ulaw(line[i]);
		fwrite(octets, 1, FRAME, stdout);
		fflush(stdout);
		left -= over;
	}
	t30_stats_t stats;
	t30_get_transfer_statistics(t30, &stats);
	fprintf(stderr, "%s, %d bit/s, %d pages sent, %d received\n", over ? t30_completion_code_to_str(result) : "cut off", stats.bit_rate,
		stats.pages_tx, stats.pages_rx);
	fax_free(fax);
	return !over || result != T30_ERR_OK;
}
