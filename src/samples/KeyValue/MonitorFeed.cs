using System.Buffers;
using System.Globalization;
using System.Text;
using KeyValue.Commands;
using ProtoServer;
using Resp;

namespace KeyValue;

/// <summary>The connections that watch every command go by.</summary>
/// <remarks>Loop thread only. Lines are sent after the input of the iteration, when no command of the watcher's own is being answered.</remarks>
internal sealed class MonitorFeed(EventLoop loop, Func<long> microseconds)
{
    // A watcher that does not read is cut off here: it would make the server keep every command that anyone sends.
    private const int MostUnsentBytes = 1024 * 1024;

    // A line is text, four octets for one that cannot be printed, and is made while the command waits.
    private const int MostShownBytes = 64 * 1024;

    private readonly List<Session> _watchers = [];
    private ArrayBufferWriter<byte> _lines = new();

    public int Count => _watchers.Count;

    public void Add(Session session)
    {
        if (!session.IsMonitor)
        {
            session.IsMonitor = true;
            _watchers.Add(session);
        }
    }

    public void Remove(Session session) => _watchers.Remove(session);

    /// <summary>Tells the watchers of a command; passwords are left out.</summary>
    public void Tell(Session session, Command command, scoped in RespRequest request)
    {
        if ((command.Flags & CommandFlags.Admin) != 0 || command.Name is "auth" or "hello")
        {
            return;
        }
        if (_lines.WrittenCount == 0)
        {
            loop.CallSoon(Send);
        }
        long now = microseconds();
        StringBuilder line = new();
        line.Append(CultureInfo.InvariantCulture, $"+{now / 1_000_000}.{now % 1_000_000:D6} [{session.DatabaseNumber} {session.RemoteEndPoint}]");
        int left = MostShownBytes;
        for (int i = 0; i < request.Count && left > 0; i++)
        {
            ReadOnlySpan<byte> shown = request[i][..Math.Min(request[i].Length, left)];
            Quoted.Append(line.Append(' '), shown);
            left -= Math.Max(shown.Length, 1);
        }
        line.Append(left > 0 ? "" : " ...");
        line.Append("\r\n");
        _lines.Write(Encoding.Latin1.GetBytes(line.ToString()));
    }

    private void Send()
    {
        foreach (Session watcher in _watchers.ToArray())
        {
            // Looked at before this turn's lines, which one that reads could not have taken yet.
            if (watcher.OutputBytes > MostUnsentBytes)
            {
                watcher.Abort();
            }
            else
            {
                watcher.Push(_lines.WrittenSpan);
            }
        }
        if (_lines.Capacity > MostUnsentBytes)
        {
            _lines = new ArrayBufferWriter<byte>();
        }
        else
        {
            _lines.ResetWrittenCount();
        }
    }
}
