using KeyValue.Journal;
using Resp;

namespace KeyValue.Commands;

/// <summary>Carries commands out on the databases of this process, at once.</summary>
internal sealed class LocalExecutor(KeyValueServer server, CommandTable table) : ICommandExecutor
{
    public void Execute(Session session, scoped in RespRequest request, ref RespWriter reply)
    {
        Command? command = table.Find(request[0]);
        if (command is null)
        {
            RefuseUnknown(session, in request, ref reply);
            return;
        }
        if (command.Subcommands.Length > 0 && request.Count > 1)
        {
            Command? subcommand = CommandTable.FindSubcommand(command, request[1]);
            if (subcommand is null)
            {
                Reject(command, $"ERR unknown subcommand '{Errors.Quote(request[1])}'. Try {command.Name.ToUpperInvariant()} HELP.", ref reply);
                return;
            }
            command = subcommand;
        }
        if (!command.Takes(request.Count) || command.Handler is null)
        {
            Reject(command, Errors.Arity(command), ref reply);
            return;
        }
        session.LastCommand = command.FullName;
        if (!session.IsAuthenticated && (command.Flags & CommandFlags.NoAuth) == 0)
        {
            Reject(command, Errors.NoAuth, ref reply);
            return;
        }
        if ((command.Flags & CommandFlags.DenyOom) != 0 && !server.Space.TryMakeRoom())
        {
            Reject(command, Errors.OutOfMemory, ref reply);
            return;
        }
        if (server.Monitors.Count > 0)
        {
            server.Monitors.Tell(session, command, in request);
        }
        server.Statistics.Of(command).Calls++;
        CommandCall call = new(server, session, command, in request);
        if ((command.Flags & CommandFlags.Write) != 0 && server.Journal is JournalWriter journal)
        {
            ExecuteJournalled(in call, journal, ref reply);
        }
        else
        {
            command.Handler(in call, ref reply);
        }
    }

    public void Prepare(Session session, ReadOnlySpan<byte> input, ReadOnlySpan<Range> arguments) => session.Database.Warm(input, arguments);

    private void ExecuteJournalled(scoped in CommandCall call, JournalWriter journal, ref RespWriter reply)
    {
        if (journal.Failure is not null)
        {
            Reject(call.Command, $"MISCONF Errors writing to the AOF file: {journal.Failure}", ref reply);
            return;
        }
        if (!journal.HoldsReplies || call.Session.ReplyMode != ReplyMode.On)
        {
            call.Command.Handler!(in call, ref reply);
        }
        else
        {
            long changes = journal.Changes;
            call.Session.Hold(ref reply);
            call.Command.Handler!(in call, ref reply);
            call.Session.Gate(ref reply, journal.Changes == changes ? 0 : journal.Current);
        }
        if (journal.IsFull)
        {
            call.Session.AwaitJournal();
        }
    }

    private void RefuseUnknown(Session session, scoped in RespRequest request, ref RespWriter reply)
    {
        if (System.Text.Ascii.EqualsIgnoreCase(request[0], "POST"u8) || System.Text.Ascii.EqualsIgnoreCase(request[0], "Host:"u8))
        {
            // A browser can be made to post to any port; the body must not be read as commands.
            server.LogCrossProtocol(session);
            session.CloseAfterReply();
            return;
        }
        byte[] text = Errors.Text(session.IsAuthenticated ? Errors.Unknown(in request) : "NOAUTH Authentication required.");
        server.Statistics.CountError(text);
        reply.Error(text);
    }

    private void Reject(Command command, string text, ref RespWriter reply) => Reject(command, Errors.Text(text), ref reply);

    private void Reject(Command command, ReadOnlySpan<byte> text, ref RespWriter reply)
    {
        server.Statistics.CountError(text);
        server.Statistics.Of(command).Rejected++;
        reply.Error(text);
    }
}
