import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The pooling job with the steps that a laboratory takes: a sample is expected, its rack is received, planned (by deadline, ten
 * to a pool), and confirmed; intake hears of each tube that came. Each step of each tube is looked up in RocksDB, changed
 * there, and written; so are pools and racks. Left out, beside what a sketch leaves out: holds, deadlines that pass,
 * queues, boards, benches, twins, moved tubes, answers.
 *
 * A record is a registration under its barcode, or a rack under its name behind a mark: R (received; the value names its tubes),
 * P (planned) or C (confirmed).
 */
final class Steps implements Processor<String, byte[], String, byte[]> {
  private static final int POOL = 10;

  /** Before the registration in a tube's row: where it stands, its pool, its slot, when it is due. */
  private static final int HEAD = 1 + 8 + 4 + 8;

  private static final byte EXPECTED = 0;
  private static final byte RECEIVED = 1;
  private static final byte PLANNED = 2;
  private static final byte TRANSFERRED = 3;
  private static final byte OPENED = 4;
  private static final byte SEALED = 5;

  private ProcessorContext<String, byte[]> context;
  private KeyValueStore<String, byte[]> tubes;
  private KeyValueStore<String, byte[]> racks;
  private KeyValueStore<Long, byte[]> pools;
  private KeyValueStore<Integer, Long> open;

  @Override
  public void init(ProcessorContext<String, byte[]> context) {
    this.context = context;
    tubes = context.getStateStore("tubes");
    racks = context.getStateStore("racks");
    pools = context.getStateStore("pools");
    open = context.getStateStore("open");
  }

  @Override
  public void process(Record<String, byte[]> record) {
    String key = record.key();
    if (key.charAt(0) != '!') {
      expect(record);
      return;
    }
    String rack = key.substring(2);
    switch (key.charAt(1)) {
      case 'R' -> receive(record, rack);
      case 'P' -> plan(record, rack);
      case 'C' -> confirm(record, rack);
      default -> throw new IllegalArgumentException(key);
    }
  }

  private void expect(Record<String, byte[]> record) {
    if (tubes.get(record.key()) != null) {
      return;
    }
    byte[] sample = record.value();
    ByteBuffer row = ByteBuffer.allocate(HEAD + sample.length);
    row.put(EXPECTED).putLong(-1).putInt(0).putLong(record.timestamp() + 24 * 3_600_000L).put(sample);
    tubes.put(record.key(), row.array());
    write(record, record.key(), row.array());
  }

  private void receive(Record<String, byte[]> record, String rack) {
    for (String tube : names(record.value())) {
      byte[] row = tubes.get(tube);
      row[0] = RECEIVED;
      tubes.put(tube, row);
      write(record, tube, Arrays.copyOf(row, HEAD));
      context.forward(record.withKey(tube).withValue(rack.getBytes(StandardCharsets.UTF_8)), "seen");
    }
    racks.put(rack, record.value());
  }

  private void plan(Record<String, byte[]> record, String rack) {
    String[] names = names(racks.get(rack));
    byte[][] rows = new byte[names.length][];
    Integer[] order = new Integer[names.length];
    for (int at = 0; at < names.length; at++) {
      rows[at] = tubes.get(names[at]);
      order[at] = at;
    }
    Arrays.sort(order, Comparator.comparingLong(at -> ByteBuffer.wrap(rows[at]).getLong(13)));
    Long last = open.get(0);
    long pool = last == null ? 0 : last;
    StringBuilder members = new StringBuilder();
    int slot = POOL;
    for (int at : order) {
      if (slot == POOL) {
        if (members.length() > 0) {
          pools.put(pool, bytes(members));
          members.setLength(0);
        }
        pool++;
        slot = 0;
        write(record, rack, ByteBuffer.allocate(9).put(OPENED).putLong(pool).array());
      }
      slot++;
      ByteBuffer.wrap(rows[at]).put(PLANNED).putLong(pool).putInt(slot);
      tubes.put(names[at], rows[at]);
      members.append(members.length() == 0 ? "" : "\n").append(names[at]);
      write(record, names[at], Arrays.copyOf(rows[at], HEAD));
    }
    pools.put(pool, bytes(members));
    open.put(0, pool);
  }

  private void confirm(Record<String, byte[]> record, String rack) {
    // The pools of a rack are its tubes' pools; most often they follow each other.
    long from = Long.MAX_VALUE;
    long to = Long.MIN_VALUE;
    for (String tube : names(racks.get(rack))) {
      long pool = ByteBuffer.wrap(tubes.get(tube)).getLong(1);
      from = Math.min(from, pool);
      to = Math.max(to, pool);
    }
    for (long pool = from; pool <= to; pool++) {
      byte[] members = pools.get(pool);
      for (String tube : names(members)) {
        byte[] row = tubes.get(tube);
        row[0] = TRANSFERRED;
        tubes.put(tube, row);
        write(record, tube, Arrays.copyOf(row, HEAD));
      }
      byte[] sealed = Arrays.copyOf(members, members.length + 2);
      sealed[members.length] = '\n';
      sealed[members.length + 1] = '!';
      pools.put(pool, sealed);
      write(record, rack, ByteBuffer.allocate(9).put(SEALED).putLong(pool).array());
    }
  }

  private void write(Record<String, byte[]> cause, String key, byte[] value) {
    context.forward(cause.withKey(key).withValue(value), "out");
  }

  private static String[] names(byte[] lines) {
    return new String(lines, StandardCharsets.UTF_8).split("\n");
  }

  private static byte[] bytes(StringBuilder text) {
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }
}
