using System.Text;
using KeyValue.Store;
using Resp;

namespace KeyValue.Commands;

/// <summary>CLIENT and its subcommands.</summary>
internal static class ClientCommands
{
    public static void Id(scoped in CommandCall call, ref RespWriter reply) => reply.Number(call.Session.Id);

    public static void GetName(scoped in CommandCall call, ref RespWriter reply)
    {
        if (call.Session.Name.Length == 0)
        {
            reply.Null();
        }
        else
        {
            reply.Bulk(call.Session.Name);
        }
    }

    public static void SetName(scoped in CommandCall call, ref RespWriter reply)
    {
        if (!IsName(call[2]))
        {
            call.Fail(ref reply, Errors.ClientName);
            return;
        }
        call.Session.Name = call[2].ToArray();
        reply.Ok();
    }

    public static void SetInfo(scoped in CommandCall call, ref RespWriter reply)
    {
        bool isName = call.Is(2, "LIB-NAME"u8);
        if (!isName && !call.Is(2, "LIB-VER"u8))
        {
            call.Fail(ref reply, $"ERR Unrecognized option '{Errors.Quote(call[2])}'");
        }
        else if (!IsName(call[3]))
        {
            call.Fail(ref reply, $"ERR {(isName ? "lib-name" : "lib-ver")} cannot contain spaces, newlines or special characters.");
        }
        else
        {
            string value = Encoding.Latin1.GetString(call[3]);
            if (isName)
            {
                call.Session.LibraryName = value;
            }
            else
            {
                call.Session.LibraryVersion = value;
            }
            reply.Ok();
        }
    }

    public static void Info(scoped in CommandCall call, ref RespWriter reply) => reply.Text(Encoding.Latin1.GetBytes(Describe(call.Server, call.Session) + "\n"));

    public static void List(scoped in CommandCall call, ref RespWriter reply)
    {
        HashSet<long>? ids = null;
        bool all = true;
        if (call.Count == 4 && call.Is(2, "TYPE"u8))
        {
            if (!TryType(in call, 3, out all, ref reply))
            {
                return;
            }
        }
        else if (call.Count > 3 && call.Is(2, "ID"u8))
        {
            ids = [];
            for (int i = 3; i < call.Count; i++)
            {
                if (!Integers.TryParse(call[i], out long id) || id < 1)
                {
                    call.Fail(ref reply, "ERR Invalid client ID"u8);
                    return;
                }
                ids.Add(id);
            }
        }
        else if (call.Count != 2)
        {
            call.Fail(ref reply, Errors.Syntax);
            return;
        }
        StringBuilder text = new();
        foreach (Session session in call.Server.Sessions)
        {
            if (all && (ids is null || ids.Contains(session.Id)))
            {
                text.Append(Describe(call.Server, session)).Append('\n');
            }
        }
        reply.Text(Encoding.Latin1.GetBytes(text.ToString()));
    }

    public static void Kill(scoped in CommandCall call, ref RespWriter reply)
    {
        string? address = null;
        string? local = null;
        long id = 0;
        bool normal = true;
        bool skipsSelf = call.Count > 3;
        if (call.Count == 3)
        {
            address = Encoding.Latin1.GetString(call[2]);
        }
        else if (call.Count % 2 == 1)
        {
            call.Fail(ref reply, Errors.Syntax);
            return;
        }
        for (int i = 2; i + 1 < call.Count; i += 2)
        {
            if (call.Is(i, "ID"u8))
            {
                if (!Integers.TryParse(call[i + 1], out id) || id < 1)
                {
                    call.Fail(ref reply, "ERR client-id should be greater than 0"u8);
                    return;
                }
            }
            else if (call.Is(i, "TYPE"u8))
            {
                if (!TryType(in call, i + 1, out normal, ref reply))
                {
                    return;
                }
            }
            else if (call.Is(i, "ADDR"u8))
            {
                address = Encoding.Latin1.GetString(call[i + 1]);
            }
            else if (call.Is(i, "LADDR"u8))
            {
                local = Encoding.Latin1.GetString(call[i + 1]);
            }
            else if (call.Is(i, "USER"u8))
            {
                if (!call[i + 1].SequenceEqual("default"u8))
                {
                    call.Fail(ref reply, $"ERR No such user '{Errors.Quote(call[i + 1])}'");
                    return;
                }
            }
            else if (call.Is(i, "SKIPME"u8) && (call.Is(i + 1, "YES"u8) || call.Is(i + 1, "NO"u8)))
            {
                skipsSelf = call.Is(i + 1, "YES"u8);
            }
            else
            {
                call.Fail(ref reply, Errors.Syntax);
                return;
            }
        }
        int killed = 0;
        foreach (Session session in call.Server.Sessions.ToArray())
        {
            if (!normal
                || (id != 0 && session.Id != id)
                || (address is not null && session.RemoteEndPoint?.ToString() != address)
                || (local is not null && session.LocalEndPoint?.ToString() != local)
                || (skipsSelf && session == call.Session))
            {
                continue;
            }
            killed++;
            if (session == call.Session)
            {
                session.CloseAfterReply();
            }
            else
            {
                session.Close();
            }
        }
        if (call.Count > 3)
        {
            reply.Number(killed);
        }
        else if (killed == 0)
        {
            call.Fail(ref reply, "ERR No such client"u8);
        }
        else
        {
            reply.Ok();
        }
    }

    public static void Reply(scoped in CommandCall call, ref RespWriter reply)
    {
        if (call.Is(2, "ON"u8))
        {
            call.Session.ReplyMode = ReplyMode.On;
            reply.Redirect(call.Session.Output);
            reply.Ok();
        }
        else if (call.Is(2, "OFF"u8))
        {
            call.Session.ReplyMode = ReplyMode.Off;
        }
        else if (call.Is(2, "SKIP"u8))
        {
            call.Session.ReplyMode = call.Session.ReplyMode == ReplyMode.Off ? ReplyMode.Off : ReplyMode.SkipNext;
        }
        else
        {
            call.Fail(ref reply, Errors.Syntax);
        }
    }

    public static void NoEvict(scoped in CommandCall call, ref RespWriter reply)
    {
        // Clients are never evicted for memory here, so both answers are true already.
        if (call.Is(2, "ON"u8) || call.Is(2, "OFF"u8))
        {
            reply.Ok();
        }
        else
        {
            call.Fail(ref reply, Errors.Syntax);
        }
    }

    public static void Unpause(scoped in CommandCall call, ref RespWriter reply)
    {
        _ = call.Count;
        reply.Ok();
    }

    /// <summary>Whether a name can stand in CLIENT LIST without breaking its line.</summary>
    internal static bool IsName(ReadOnlySpan<byte> name) => !name.ContainsAnyExceptInRange((byte)'!', (byte)'~');

    private static bool TryType(scoped in CommandCall call, int index, out bool isNormal, ref RespWriter reply)
    {
        isNormal = call.Is(index, "NORMAL"u8);
        if (isNormal || call.Is(index, "MASTER"u8) || call.Is(index, "REPLICA"u8) || call.Is(index, "SLAVE"u8) || call.Is(index, "PUBSUB"u8))
        {
            return true;
        }
        call.Fail(ref reply, $"ERR Unknown client type '{Errors.Quote(call[index])}'");
        return false;
    }

    private static string Describe(KeyValueServer server, Session session)
    {
        uint now = server.Space.Clock.Tenths;
        // fd is Redis's own number for the socket; ours stays in the transport. What is always 0 here is what this server does not have.
        return $"id={session.Id} addr={session.RemoteEndPoint} laddr={session.LocalEndPoint} fd=-1 name={Encoding.Latin1.GetString(session.Name)}"
            + $" age={(now - session.CreatedAt) / 10} idle={(now - session.ActiveAt) / 10} flags={(session.IsMonitor ? "O" : "N")} db={session.DatabaseNumber}"
            + $" sub=0 psub=0 ssub=0 multi=-1 qbuf={session.InputBytes} qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl={session.OutputBytes} oll=0 omem=0"
            + $" tot-mem={session.InputBytes + session.OutputBytes} events=r cmd={session.LastCommand} user=default redir=-1 resp={session.Version}"
            + $" lib-name={session.LibraryName} lib-ver={session.LibraryVersion}";
    }
}
