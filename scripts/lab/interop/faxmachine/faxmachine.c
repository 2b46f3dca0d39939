/*
 * A fax machine (T.30) of spandsp's: faxmachine send|receive FILE.tif PCMA|PCMU|T38 v17|v27
 *
 * On a line of G.711 it says 20 ms (160 octets on standard output) for each 20 ms that it hears (160 octets on standard input).
 * By T.38 it takes and says the packets (IFP) of 20 ms: of each its length and sequence number, two octets each, the first
 * first, and what is in it; a length of 0 ends the 20 ms. When the call is over it prints the result on standard error and
 * ends. Frames in UDP, keys and SIP are somebody else's.
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

static void prepare(t30_state_t *t30, int sends, const char *file, int v17)
{
	t30_set_supported_modems(t30, T30_SUPPORT_V27TER | (v17 ? T30_SUPPORT_V29 | T30_SUPPORT_V17 : 0));
	t30_set_supported_compressions(t30, T30_SUPPORT_T4_1D_COMPRESSION | T30_SUPPORT_T4_2D_COMPRESSION | T30_SUPPORT_T6_COMPRESSION);
	t30_set_ecm_capability(t30, 1);
	t30_set_phase_e_handler(t30, ended, NULL);
	if (sends)
		t30_set_tx_file(t30, file, -1, -1);
	else
		t30_set_rx_file(t30, file, -1);
}

/* line is the machine on a line of G.711. */
static t30_state_t *line(int sends, const char *file, int a_law, int v17)
{
	uint8_t octets[FRAME];
	int16_t samples[FRAME];
	int i, n, left = FAREWELL;
	fax_state_t *fax = fax_init(NULL, sends);

	fax_set_transmit_on_idle(fax, 1);
	prepare(fax_get_t30_state(fax), sends, file, v17);
	while (left > 0 && fread(octets, 1, FRAME, stdin) == FRAME) {
		for (i = 0; i < FRAME; i++)
			samples[i] = a_law ? alaw_to_linear(octets[i]) : ulaw_to_linear(octets[i]);
		fax_rx(fax, samples, FRAME);
		n = fax_tx(fax, samples, FRAME);
		memset(samples + n, 0, (FRAME - n) * sizeof samples[0]);
		for (i = 0; i < FRAME; i++)
			octets[i] = a_law ? linear_to_alaw(samples[i]) : linear_to_ulaw(samples[i]);
		fwrite(octets, 1, FRAME, stdout);
		fflush(stdout);
		left -= over;
	}
	return fax_get_t30_state(fax);
}

static void say(int length, int number, const uint8_t *packet)
{
	uint8_t head[4] = {length >> 8, length, number >> 8, number};

	fwrite(head, 1, sizeof head, stdout);
	fwrite(packet, 1, length, stdout);
}

static int said(t38_core_state_t *core, void *number, const uint8_t *packet, int length, int times)
{
	say(length, (*(uint16_t *)number)++, packet);
	return 0;
}

/* packets is the machine that speaks T.38. */
static t30_state_t *packets(int sends, const char *file, int v17)
{
	uint8_t head[4], packet[1024];
	uint16_t number = 0;
	int length, left = FAREWELL;
	t38_terminal_state_t *fax = t38_terminal_init(NULL, sends, said, &number);

	prepare(t38_terminal_get_t30_state(fax), sends, file, v17);
	while (left > 0 && fread(head, 1, sizeof head, stdin) == sizeof head) {
		length = head[0] << 8 | head[1];
		if (length > sizeof packet || fread(packet, 1, length, stdin) != length)
			break;
		if (length > 0) {
			t38_core_rx_ifp_packet(t38_terminal_get_t38_core_state(fax), packet, length, head[2] << 8 | head[3]);
			continue;
		}
		t38_terminal_send_timeout(fax, FRAME);
		say(0, 0, packet);
		fflush(stdout);
		left -= over;
	}
	return t38_terminal_get_t30_state(fax);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "pixels"))
		return pixels(argv[2]);
	if (argc != 5) {
		fprintf(stderr, "usage: faxmachine send|receive FILE.tif PCMA|PCMU|T38 v17|v27\n");
		return 2;
	}
	int sends = !strcmp(argv[1], "send"), v17 = !strcmp(argv[4], "v17");
	t30_stats_t stats;
	t30_state_t *t30;

	t30 = !strcmp(argv[3], "T38") ? packets(sends, argv[2], v17) : line(sends, argv[2], !strcmp(argv[3], "PCMA"), v17);
	t30_get_transfer_statistics(t30, &stats);
	fprintf(stderr, "%s, %d bit/s, %d pages sent, %d received\n", over ? t30_completion_code_to_str(result) : "cut off", stats.bit_rate,
		stats.pages_tx, stats.pages_rx);
	return !over || result != T30_ERR_OK;
}
